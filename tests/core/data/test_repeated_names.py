"""Rows that repeat the names of the columns, as in pasted files, are no cases."""

from pathlib import Path
from typing import Any, cast

import openpyxl
import pandas
import pytest

import mmx
from mmx.commands import guess_columns
from mmx.data.repeated_names import without_repeated_names
from mmx.inference.case_table import case_table
from mmx.inference.needs import Needs
from mmx.interfaces import TableContents
from mmx_plugins.datasets.table import TableParams

NAMES = ["note", "dx", "age"]
ROWS = [["a spot", "x", "40"], NAMES, ["a lump", "y", "50"], ["", "y", ""],
        [" Note", "DX", "Age "], ["a film", "x", "52"]]  # fmt: skip
TOLD = "rows that only repeat the names of the columns are left out: 2 (rows 3, 6)"


def written(path: Path, rows: list[list[str]] = ROWS) -> Path:
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        sheet: Any = book.active
        for row in [NAMES, *rows]:
            sheet.append([cell or None for cell in row])
        book.save(path)
    else:
        path.write_text("".join(",".join(row) + "\n" for row in [NAMES, *rows]))
    return path


def settings(path: Path) -> Any:
    keys = {"path": path, "label": "dx", "group": None, "text": "note", "record": ["age"]}
    return TableParams.model_validate(keys)


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
def test_they_are_left_out_and_told_and_all_others_keep_their_numbers(
    tmp_path: Path, name: str
) -> None:
    found = settings(written(tmp_path / name)).build()
    assert found.classes == ("x", "y")
    assert [row.id for row in found.samples()] == ["2", "4", "7"]
    assert [row.record["age"] for row in found.samples()] == [40, 50, 52]
    assert [row.row for row in found.rejected()] == ["row 5"]
    assert TOLD in found.facts.notes
    assert found.indices() == ()  # nobody knows whether a list of indices counts such lines


def test_init_guesses_nothing_of_them(tmp_path: Path) -> None:
    rows = [[f"a spot of the {row}th day", "xy"[row % 2], str(30 + row % 9)] for row in range(20)]
    found = mmx.open_table(written(tmp_path / "t.csv", [*rows, NAMES, *rows]))
    columns = guess_columns(found.cells, tmp_path)
    assert (columns.label, columns.rows, columns.lacking) == ("dx", 40, 0)
    assert found.notes[-1].endswith("left out: 1 (row 22)")


def test_new_cases_in_memory_keep_their_index(tmp_path: Path) -> None:
    """An answer belongs to the row with its name."""
    given = pandas.DataFrame(ROWS, columns=NAMES, index=[*"abcdef"])
    found = case_table(given, cast("Needs", None))
    assert found.index is not None
    assert found.index.tolist() == ["a", "c", "d", "f"]
    assert found.cells["age"].tolist() == ["40", "50", "", "52"]
    assert found.notes == (TOLD,)


def test_a_reader_s_faults_move_with_their_rows() -> None:
    cells = pandas.DataFrame({"a": ["1", "a", "2"], "": ["", None, "x"]}, dtype=object)
    found = without_repeated_names(TableContents(cells, faults={1: "gone", 2: "damaged"}))
    assert found.faults == {1: "damaged"}
    assert [found.numbers.of(row) for row in (0, 1)] == [2, 4]


@pytest.mark.parametrize("row", [["note", "dx", "40"], ["note", "", ""], ["", "", ""]])
def test_a_row_that_says_anything_else_stays(tmp_path: Path, row: list[str]) -> None:
    found = mmx.open_table(written(tmp_path / "t.csv", [["a spot", "x", "40"], row, *ROWS[2:3]]))
    assert (len(found.cells), found.left_out) == (3, ())


def test_a_folder_of_images_says_what_its_tables_say(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("file_name,dx\na.png,x\nfile_name,dx\nb.png,y\n")
    found = mmx.open_table(tmp_path)
    assert found.cells["file_name"].tolist() == ["a.png", "b.png"]
    assert list(found.notes) == [
        "metadata.csv: rows that only repeat the names of the columns are left out: 1 (row 3)"
    ]
