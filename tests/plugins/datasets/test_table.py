"""Anybody's table becomes samples, and its faults are named by row."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pytest
from pydantic import ValidationError

from mmx import DataError
from mmx_plugins.datasets.table import TableParams

Write = Callable[..., Path]
FULL: dict[str, Any] = {
    "images": ("photo",),
    "text": "notes",
    "label": "finding",
    "group": "person",
}


def _write(folder: Path, text: str) -> Path:
    path = folder / "cases.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_become_samples(write_cases: Write) -> None:
    path = write_cases(6)
    dataset = TableParams(path=path, record=("age", "sex"), **FULL).build()
    samples = dataset.samples()
    assert dataset.classes == ("benign", "malignant")
    assert (len(samples), list(dataset.rejected())) == (6, [])
    third = samples[2]
    assert (third.id, third.group, third.label) == (
        "4",
        "person-2",
        "benign",
    )  # the header is row 1
    assert third.images == (path.parent / "images/002.png",)
    assert third.record == {"age": 32.0, "sex": "female", "notes": "note 2"}


def test_parquet_gives_the_same_samples(write_cases: Write) -> None:
    path = write_cases(6)
    pandas.read_csv(path).to_parquet(path.with_suffix(".parquet"))
    settings: dict[str, Any] = {**FULL, "record": ("age", "sex")}
    one, two = (
        list(TableParams(path=file, **settings).build().samples())
        for file in (path, path.with_suffix(".parquet"))
    )
    assert one == two


def test_grouping_must_be_chosen(write_cases: Write) -> None:
    path = write_cases(6)
    without: dict[str, Any] = {key: value for key, value in FULL.items() if key != "group"}
    with pytest.raises(ValidationError, match="which rows belong together.*group: null"):
        TableParams(path=path, **without)
    alone = TableParams(path=path, group=None, **without).build().samples()
    assert len({sample.group for sample in alone}) == 6


def test_whole_numbers_keep_their_digits_as_groups_and_ids(tmp_path: Path) -> None:
    path = tmp_path / "cases.parquet"
    pandas.DataFrame({"person": [7.0, None, 12.0], "notes": ["a", "b", "c"]}).to_parquet(path)
    dataset = TableParams(path=path, text="notes", group="person", classes=("a",)).build()
    assert [sample.group for sample in dataset.samples()] == ["7", "12"]


def test_cells_that_are_not_all_numbers_stay_words(tmp_path: Path) -> None:
    path = _write(tmp_path, "t,g,label,size\nx,1,a,3\ny,2,b,\nz,3,a,about 4\n")
    rows = (
        TableParams(path=path, text="t", group="g", label="label", record=("size",))
        .build()
        .samples()
    )
    assert [row.record["size"] for row in rows] == ["3", None, "about 4"]


def test_unusable_rows_are_named_with_their_reason(tmp_path: Path) -> None:
    lines = [
        "photo,notes,finding,person",
        "a.png,x,b,1",
        "a.png,x,b,",
        "../secret.png,x,b,2",
        ",,b,3",
    ]
    path = _write(tmp_path, "\n".join(lines) + "\n")
    dataset = TableParams(path=path, **FULL).build()
    assert len(dataset.samples()) == 1
    told = {one.row: one.reason for one in dataset.rejected()}
    assert list(told) == ["row 3", "row 4", "row 5"]
    assert told["row 3"] == "column 'person' is empty"
    assert "'photo': the path '../secret.png' leaves the folder" in told["row 4"]
    assert told["row 5"] == "has neither an image nor a text"


def test_a_link_out_of_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "secret.png").write_bytes(b"x")
    (tmp_path / "root/a.png").symlink_to(tmp_path / "secret.png")
    path = _write(tmp_path, "photo,person,finding\na.png,1,b\nb.png,2,b\n")
    dataset = TableParams(
        path=path, root=tmp_path / "root", images=("photo",), group="person", label="finding"
    ).build()
    assert [one.row for one in dataset.rejected()] == ["row 2"]
    assert dataset.samples()[0].images == (tmp_path / "root/b.png",)


def test_an_empty_label_is_unknown_not_a_class(tmp_path: Path) -> None:
    path = _write(tmp_path, "t,g,label\nx,1,b\ny,2,\nz,3,a\n")
    dataset = TableParams(path=path, text="t", group="g", label="label").build()
    assert dataset.classes == ("a", "b")
    assert [sample.label for sample in dataset.samples()] == ["b", None, "a"]


def test_several_columns_of_images_are_views_in_order(tmp_path: Path) -> None:
    path = _write(tmp_path, "far,near,g,label\n1.png,2.png,1,a\n,3.png,2,a\n")
    rows = (
        TableParams(path=path, images=("far", "near"), group="g", label="label").build().samples()
    )
    names = [[image and Path(str(image)).name for image in row.images] for row in rows]
    assert names == [["1.png", "2.png"], [None, "3.png"]]  # an empty cell keeps its place


def test_a_missing_column_names_those_there(write_cases: Write) -> None:
    with pytest.raises(DataError, match="no column 'fund'; its columns are photo, notes, finding"):
        TableParams(path=write_cases(4), **{**FULL, "label": "fund"}).build()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"record": ("finding",)}, "must not be in the record"),
        ({"label": None}, "state the classes"),
    ],
)
def test_a_label_that_leaks_or_lacks_is_refused(
    write_cases: Write, changed: dict[str, object], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        TableParams(path=write_cases(4), **{**FULL, **changed}).build()


def test_something_must_be_seen(write_cases: Write) -> None:
    with pytest.raises(ValidationError, match="columns of images, or a text column"):
        TableParams(path=write_cases(4), group="person", label="finding")
