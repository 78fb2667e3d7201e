"""Images in the cells of a table: bytes, structs, lists, several names, and what is refused."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from PIL import Image

from mmx.data import ImageStore, TableRows, read_image
from mmx.interfaces import Layout, PackedImage
from mmx.spec import ImageSpec


def png(grey: int, side: int = 8) -> bytes:
    raw = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), grey, np.uint8)).save(raw, "PNG")
    return raw.getvalue()


def rows(cells: list[Any], folder: Path) -> TableRows:
    table = pandas.DataFrame({"photo": pandas.Series(cells, dtype=object)})
    return TableRows(Layout(images={"image": ("photo",)}), table, folder)


def shown(cells: list[Any], folder: Path) -> list[list[int]]:
    """The grey of each image of each row."""
    found = rows(cells, folder)
    store = ImageStore(
        list(found), ImageSpec(height=8, width=8), folder=folder / "cache", memory_gb=1
    )
    assert list(store.unreadable) == []
    batch = store.collate(range(len(found)))
    return [
        [int(pixels.float().mean()) for pixels, real in zip(*row, strict=True) if real]
        for row in zip(batch.pixels, batch.mask, strict=True)
    ]


def test_bytes_structs_and_lists_are_images(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(40))
    (tmp_path / "b.png").write_bytes(png(50))
    cells = [
        png(10), {"bytes": png(20), "path": "x"}, {"bytes": None, "path": "a.png"}, "b.png",
        [png(30), {"bytes": png(31), "path": None}], np.array(["a.png", "b.png"], dtype=object),
        "a.png; b.png", "a.png|b.png",
    ]  # fmt: skip
    assert shown(cells, tmp_path) == [
        [10], [20], [40], [50], [30, 31], [40, 50], [40, 50], [40, 50],
    ]  # fmt: skip


def test_equal_bytes_are_one_image_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(40))
    found = rows(["a.png", png(40), png(41)], tmp_path)
    store = ImageStore(
        list(found), ImageSpec(height=8, width=8), folder=tmp_path / "cache", memory_gb=1
    )
    assert store.duplicates == [(found[0].id, found[1].id)]


def test_an_empty_cell_is_no_image(tmp_path: Path) -> None:
    found = rows([b"", {"bytes": None, "path": None}, [], None, png(1)], tmp_path)
    assert [row + 2 for row in found.faults] == [2, 3, 4, 5]


def test_a_damaged_cell_is_named_by_row(tmp_path: Path) -> None:
    found = rows([png(1), b"no image"], tmp_path)
    image = found[1].images["image"][0]
    assert isinstance(image, PackedImage)
    store = ImageStore(
        list(found), ImageSpec(height=8, width=8), folder=tmp_path / "cache", memory_gb=1
    )
    assert [one.row for one in store.unreadable] == [found[1].id]
    assert "column 'photo' of row 3 is not a readable image" in store.unreadable[0].reason
    assert read_image(found[0].images["image"][0]).mean() == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("https://example.org/a.png", "is an address, and mmx fetches nothing"),
        ("s3://bucket/a.png", "is an address, and mmx fetches nothing"),
        ("a.png;../b.png", "leaves the folder"),
        (["a.png", "/etc/passwd"], "leaves the folder"),
        ({"bytes": None, "path": "../b.png"}, "leaves the folder"),
    ],
)
def test_what_is_not_below_the_folder_is_refused(tmp_path: Path, cell: Any, words: str) -> None:
    found = rows([png(1), cell], tmp_path)
    assert words in found.faults[1]
    assert len(found) == 1


def test_a_name_with_a_sign_in_it_stays_one_name(tmp_path: Path) -> None:
    (tmp_path / "a;b.png").write_bytes(png(60))
    assert shown(["a;b.png", "a;b.png"], tmp_path) == [[60], [60]]
