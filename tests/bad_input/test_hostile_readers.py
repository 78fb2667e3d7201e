"""Thirty hostile files for each reader that is installed: a row of the data report, or plain words.

The files are the reader's own example cut short, changed, turned round, repeated, and of chance.
"""

import random
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

import mmx
from mmx.data import ImageStore, TableRows
from mmx.interfaces import (
    ImageReaderParams,
    Layout,
    PackedImage,
    Params,
    TableReaderParams,
)
from mmx.spec import ImageSpec
from mmx.testing.readers import example_of

PLUGINS = mmx.Plugins()  # it reads once what is installed
READERS = [
    PLUGINS.find(one.kind, one.long_name)
    for one in PLUGINS.installed("reader")
    if one.status == "found"
]
COUNT = 30
Damage = Callable[[bytes], bytes]


def damages() -> Iterator[Damage]:
    """What is done to the bytes of a file, the same on every day."""
    yield from (partial(shortened, tenth) for tenth in range(10))
    yield from (partial(changed, seed) for seed in range(14))
    yield lambda content: content[::-1]
    yield lambda content: b"\xff\xfe" + content
    yield lambda content: content + content
    yield lambda content: content[:140] + bytes([255] * 64) + content[204:]
    yield lambda content: content[:40] + bytes([127] * 16) + content[56:]
    yield lambda content: b"\x1f\x8b" + content


def shortened(tenths: int, content: bytes) -> bytes:
    """The first tenths of the content."""
    return content[: len(content) * tenths // 10]


def changed(seed: int, content: bytes) -> bytes:
    """The content with eight of its bytes put over by others."""
    found, chance = bytearray(content), random.Random(seed)
    for _ in range(8):
        found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found)


def of_kind(kind: type[Params]) -> list[Params]:
    return [one() for one in READERS if issubclass(one, kind)]


def named(params: Params) -> str:
    return params.entry_point


@pytest.mark.parametrize("params", of_kind(ImageReaderParams), ids=named)
def test_a_hostile_image_is_a_row_of_the_data_report(params: Params, tmp_path: Path) -> None:
    assert isinstance(params, ImageReaderParams)
    with example_of(params) as example:
        content, ending = example.path.read_bytes(), "".join(example.path.suffixes)
    lines = ["image", f"good{ending}"]
    (tmp_path / f"good{ending}").write_bytes(content)
    for number, damage in enumerate(damages()):
        (tmp_path / f"{number:02d}{ending}").write_bytes(damage(content))
        lines.append(f"{number:02d}{ending}")
    assert len(lines) == COUNT + 2
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    table = mmx.open_table(tmp_path / "t.csv").cells
    rows = TableRows(Layout(images={"image": ("image",)}), table, tmp_path)
    spec = ImageSpec(height=4, width=4, frames="first")
    with warnings.catch_warnings():  # of a library, which a user may see
        warnings.simplefilter("ignore")
        store = ImageStore(rows, spec, folder=tmp_path / "cache", memory_gb=0.1)
    refused = {one.row: one.reason for one in store.unreadable}
    assert "2" not in refused  # the good one stands in row 2 of the table
    assert len(refused) >= COUNT // 3, refused
    assert all(
        reason and "Traceback" not in reason and len(reason) < 600 for reason in refused.values()
    )


@pytest.mark.parametrize("params", of_kind(TableReaderParams), ids=named)
def test_a_hostile_table_is_read_or_refused_in_plain_words(params: Params, tmp_path: Path) -> None:
    assert isinstance(params, TableReaderParams)
    refused: list[str] = []
    with example_of(params) as example:
        files = [one for one in [example.path, *sorted(example.path.rglob("*"))] if one.is_file()]
        good = {file: file.read_bytes() for file in files}
        for number, damage in enumerate(damages()):
            file = files[number % len(files)]
            file.write_bytes(damage(good[file]))
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    table = mmx.open_table(example.path, reader=params).cells
                    refused += reasons_of(table, example.path.parent, tmp_path / str(number))
            except mmx.DataError as error:
                refused.append(str(error))
            file.write_bytes(good[file])
    assert len(refused) >= 3
    assert all("Traceback" not in words and len(words) < 1000 for words in refused)


def reasons_of(table: pd.DataFrame, root: Path, cache: Path) -> list[str]:
    """Why images of a table, in its cells or named by them, cannot be read."""
    images = [
        name for name in table.columns
        if any(isinstance(cell, PackedImage) or _names_image(cell) for cell in table[name])
    ]  # fmt: skip
    if not images:
        return []
    rows = TableRows(Layout(images={"image": tuple(images)}), table, root)
    store = ImageStore(
        rows, ImageSpec(height=4, width=4, frames="first"), folder=cache, memory_gb=0.1
    )
    return [one.reason for one in store.unreadable]


def _names_image(cell: object) -> bool:
    return isinstance(cell, str) and cell.endswith((".png", ".jpg"))
