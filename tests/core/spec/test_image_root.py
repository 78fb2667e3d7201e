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


SUMS = {"image": "Mean", "id": "Summe"}


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("column", [*SUMS])
def test_a_sum_below_the_table_is_asked_about_and_moves_no_files(
    tmp_path: Path, column: str, deep: bool
) -> None:
    pictures(tmp_path / "photos", *(f"p{row}" for row in range(1, ROWS)))
    pictures(tmp_path / ("x/y/z" if deep else "more"), "p0")
    rows = [{"image": f"p{row}.jpg", "id": f"c{row}", "dx": CLASSES[row], "age": str(30 + row)}
            for row in range(ROWS)]  # fmt: skip
    last = {"image": "", "id": "", "dx": "", "age": "44.5", column: SUMS[column]}
    found = guess_columns(pandas.DataFrame([*rows, last]), tmp_path)
    assert (found.images, found.suffix) == (("image",), "found" if deep else "")
    asked = [one for one in found.questions if SUMS[column] in one]
    assert len(asked) == 1, found.questions
    assert guess_columns(pandas.DataFrame(rows), tmp_path).questions == tuple(
        one for one in found.questions if one not in asked
    )


def test_a_sum_that_stands_where_classes_do_is_asked_about(tmp_path: Path) -> None:
    pictures(tmp_path / "photos", *(f"p{row}" for row in range(ROWS)))
    shown = [f"p{row}.jpg" for row in range(ROWS)]
    found = guess_columns(
        pandas.DataFrame({"image": [*shown, ""], "dx": [*CLASSES, "Total:"]}), tmp_path
    )
    assert any("'Total:' in 'dx'" in one for one in found.questions)


def test_a_class_with_the_name_of_its_column_is_asked_about(tmp_path: Path) -> None:
    """Of a header with another name in one place, which is left in the table."""
    pictures(tmp_path / "photos", *(f"p{row}" for row in range(ROWS)))
    shown = [f"p{row}.jpg" for row in range(ROWS)]
    table = pandas.DataFrame({"image": [*shown, "file"], "dx": [*CLASSES, "DX"]})
    questions = guess_columns(table, tmp_path).questions
    assert any("is 'DX' in 'dx' a class?" in one for one in questions)
