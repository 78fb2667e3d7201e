"""Columns of names of files without their ending, and those that only look like it."""

from pathlib import Path

import pandas
import pytest

from mmx import DataError
from mmx.commands import guess_columns

ROWS = 30
CLASSES = [*"abc"] * (ROWS // 3)


def pictures(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"{name}.jpg").touch()


@pytest.mark.parametrize("place", ["table", "table/photos", "table/x/y/z", "beside"])
def test_classes_that_are_named_like_files_are_no_pictures(tmp_path: Path, place: str) -> None:
    (tmp_path / "table").mkdir()
    if place == "table":
        place = "table/."
    pictures(tmp_path / place / "letters", *"abc")
    table = pandas.DataFrame({"dx": CLASSES, "age": [str(row) for row in range(ROWS)]})
    with pytest.raises(DataError, match="names no image files"):
        guess_columns(table, tmp_path / "table")


@pytest.mark.parametrize("place", ["table/photos", "table/x/y/z", "beside"])
@pytest.mark.parametrize("each", [1, 3])
def test_names_without_ending_are_pictures_though_some_rows_share_one(
    tmp_path: Path, place: str, each: int
) -> None:
    (tmp_path / "table").mkdir()
    pictures(tmp_path / place, *(f"p{row}" for row in range(ROWS)))
    shown = [f"p{row // each}" for row in range(ROWS)]
    found = guess_columns(pandas.DataFrame({"dx": CLASSES, "shot": shown}), tmp_path / "table")
    assert (found.images, found.label) == (("shot",), "dx")
