"""Guessing the columns of a user's table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas
import pytest

from mmx import DataError
from mmx.commands import guess_columns

ROWS = 40


def table(**columns: Sequence[object]) -> pandas.DataFrame:
    """A table whose short columns repeat."""
    return pandas.DataFrame(
        {
            name: [values[row % len(values)] for row in range(ROWS)]
            for name, values in columns.items()
        }
    )


USUAL: Mapping[str, Sequence[object]] = {
    "row": [f"a{row}" for row in range(ROWS)],
    "photo": [f"{row}.jpg" for row in range(ROWS)],
    "PatientID": [f"p{row // 2}" for row in range(ROWS)],
    "age": [str(20 + row) for row in range(ROWS)],
    "sex": ["male", "female", ""],
    "notes": ["a round brown spot", "a dark uneven spot that grows"],
    "finding": ["nevus", "melanoma", "keratosis", "nevus", "nevus"],
    "dx_type": ["histo", "consensus"],
    "code": ["N1", "M2", "K3", "N1", "N1"],
    "hospital": ["north"],
}


def test_a_usual_table_is_understood(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for row in range(ROWS):
        (tmp_path / "pictures" / f"{row}.jpg").touch()
    found = guess_columns(table(**USUAL), tmp_path)
    assert (found.label, found.images, found.text) == ("finding", ("photo",), "notes")
    assert (found.group, found.record, found.root) == ("PatientID", ("age", "sex"), "pictures")
    assert found.left_out == {
        "row": "it counts the rows",
        "dx_type": "its name speaks of the diagnosis",
        "code": "each of its values goes with one label only",
        "hospital": "it says the same in every row",
    }


def test_every_guess_says_why(tmp_path: Path) -> None:
    told = guess_columns(table(**USUAL), tmp_path).told()
    assert "label: finding (by its name, 3 classes)" in told
    assert "left out: dx_type (its name speaks of the diagnosis)" in told
    assert any(line.startswith("root: . ('0.jpg' was not found") for line in told)


def test_sentences_are_known_by_content(tmp_path: Path) -> None:
    columns = {name: values for name, values in USUAL.items() if name != "notes"}
    assert guess_columns(table(**columns), tmp_path).text is None
    spoken = table(**columns, befund=["one two three four five", "six seven eight nine"])
    assert guess_columns(spoken, tmp_path).text == "befund"


def test_several_image_columns_are_all_images(tmp_path: Path) -> None:
    found = guess_columns(table(**USUAL, closeup=["x.PNG", ""]), tmp_path)
    assert found.images == ("photo", "closeup")


def test_what_the_user_says_is_not_guessed(tmp_path: Path) -> None:
    given = {"label": "dx_type", "group": "hospital", "text": "code", "image": "row"}
    found = guess_columns(table(**USUAL), tmp_path, given=given)
    assert (found.label, found.group, found.text, found.images) == (
        "dx_type", "hospital", "code", ("row",),
    )  # fmt: skip


def test_a_column_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'findings' for the label; nearest: finding"):
        guess_columns(table(**USUAL), tmp_path, given={"label": "findings"})


def test_without_a_label_it_asks(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="say which one it is with --label COLUMN. There are: age"):
        guess_columns(table(age=USUAL["age"]), tmp_path)


def test_numbers_and_missing_cells_of_parquet_are_understood(tmp_path: Path) -> None:
    frame = table(photo=["a.png"], age=[31, None, 50], size=[1.5, 2.5], diagnosis=["a", "b", None])
    found = guess_columns(frame, tmp_path)
    assert (found.label, found.record) == ("diagnosis", ("age", "size"))
