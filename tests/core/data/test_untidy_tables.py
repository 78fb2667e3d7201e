"""Tables as they come: titles above the header, no header, decimal commas, blank ends, lists."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas
import pytest

import mmx
from mmx import DataError
from mmx.blocks import with_written_lists
from mmx.commands import guess_columns
from mmx.data.cells import values_of
from mmx.interfaces import Sample
from mmx_plugins.datasets.table import TableParams

MULTI = {"several": "each"}


def cells_of(*texts: str) -> Any:
    return np.array(texts, dtype=object)


def table(path: Path, **settings: Any) -> Any:
    keys = {"path": path, "label": "dx", "group": None, "text": "note"}
    return TableParams.model_validate({**keys, **settings}).build()


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["2,5", "", "-0,75", "3"], [2.5, None, -0.75, 3.0]),
        (["2,5", "1,250"], [2.5, 1.25]),  # the other cell says what a comma is
        (["2.5", "1,5"], [2.5, 1.5]),
        (["1,250", "3,100"], ["1,250", "3,100"]),  # thousands, or decimals: nobody knows
        (["1,2,3", "2,5"], ["1,2,3", "2,5"]),
        (["2,5", "large"], ["2,5", "large"]),
    ],
)
def test_a_decimal_comma_is_a_point_where_nothing_speaks_against_it(
    cells: Sequence[str], values: Sequence[object]
) -> None:
    assert values_of("size", cells_of(*cells), None)[0].tolist() == values


def test_a_cell_of_a_known_number_is_read_by_itself() -> None:
    values, faults = values_of("size", cells_of("2,5", "1,250", "0,125"), "number")
    assert values.tolist() == [2.5, None, 0.125]
    assert faults == {1: "column 'size': '1,250' is not a number"}


def test_decimal_commas_are_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("note;dx;size\na round spot;x;2,5\na flat spot;y;3,0\n")
    found = table(path, record=["size"])
    assert [row.record["size"] for row in found.samples()] == [2.5, 3.0]
    assert "column 'size': a comma is read as the decimal point, as in '2,5'" in found.facts.notes


@pytest.mark.parametrize("end", [";;\n;;\n", " ; ;\n;;\n"])
def test_blank_rows_at_the_end_are_left_out(tmp_path: Path, end: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"note;dx;size\na spot;x;1\n;;\nanother spot;y;2\n{end}")
    found = mmx.open_table(path)
    assert len(found.cells) == 3  # that in the middle keeps its number
    assert [*found.notes] == ["rows at the end that hold nothing are left out: 2"]


def test_all_the_blank_rows_of_a_sheet_cost_little(tmp_path: Path) -> None:
    """In pieces, of which the last that holds something ends the table."""
    path = tmp_path / "t.csv"
    path.write_text("note;dx\na spot;x\n;\n;y\n" + ";\n" * 60_000)
    start = time.process_time()
    assert mmx.read_table(path)["dx"].tolist() == ["x", "", "y"]
    assert time.process_time() - start < 1.5  # 4 seconds where each row was cut out of the table


def workbook(path: Path, rows: Sequence[list[Any]], *merged: str) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append([*row])
    for one in merged:
        book.worksheets[0].merge_cells(one)
    book.save(path)
    return path


HEADER: list[Any] = ["file", "dx", "age"]
CASE = ["Case / file", "Case / dx", "age"]
ROW: list[Any] = ["1.png", "x", 40]


@pytest.mark.parametrize(
    ("above", "header", "merged", "names"),
    [
        ([["Clinic 2023", None, None]], HEADER, ["A1:C1"], HEADER),
        ([["Clinic 2023"], []], HEADER, [], HEADER),
        ([["Case", None, "Patient"]], HEADER, ["A1:B1"], HEADER),
        ([["Case", None, "age"]], ["file", "dx", None], ["A1:B1", "C1:C2"], CASE),
        ([["Clinic", None, "2023"]], HEADER, ["A1:B1"], HEADER),
        ([], HEADER, [], HEADER),
        ([], ["file", None, "age"], [], ["file", "age"]),  # a name is lacking, no title is there
    ],
)
def test_names_stand_below_titles(
    tmp_path: Path, above: list[list[Any]], header: list[Any], merged: list[str], names: list[str]
) -> None:
    path = workbook(tmp_path / "t.xlsx", [*above, header, ROW, ROW], *merged)
    found = mmx.open_table(path)
    assert (list(found.cells.columns), len(found.cells)) == (names, 2)
    told = [one for one in found.notes if "what stands above is a title" in one]
    assert len(told) == bool(above)


def test_names_of_groups_stand_before_those_of_their_columns(tmp_path: Path) -> None:
    """As clinics write it: a title, groups of columns, and names that reach into both rows."""
    rows: list[list[Any]] = [
        ["Augenklinik 2024", None, None, None, None],
        ["Augendruck", None, "Visus", None, "Diagnose"],
        ["rechts", "links", "rechts", "links", None],
        [12, 14, 0.5, 0.8, "AMD"],
    ]
    merged = ["A1:E1", "A2:B2", "C2:D2", "E2:E3"]
    found = mmx.open_table(workbook(tmp_path / "t.xlsx", rows, *merged))
    assert [*found.cells.columns] == [
        "Augendruck / rechts", "Augendruck / links", "Visus / rechts", "Visus / links", "Diagnose",
    ]  # fmt: skip
    assert found.cells["Visus / links"].tolist() == [0.8]
    assert "in row 2 the first part of names with ' / '" in found.notes[0]


@pytest.mark.parametrize("above", [[], [["Clinic"], [None]]])
def test_rows_are_counted_as_the_sheet_shows_them(tmp_path: Path, above: list[list[Any]]) -> None:
    rows: list[list[Any]] = [["note", "dx", "study"], ["a spot", "x", 1], [None, "y", 2],
                             ["a film", None, 2], ["a lump", "y", None]]  # fmt: skip
    path, first = workbook(tmp_path / "t.xlsx", [*above, *rows]), len(above) + 2
    found = table(path)
    assert [one.row for one in found.rejected()] == [f"row {first + 1}"]
    assert [one.id for one in found.samples()] == [str(first + row) for row in (0, 2, 3)]
    grouped = table(path, group="study", group_missing="alone")
    assert grouped.samples()[2].group == f"row {first + 3}, alone"
    by_case = table(path, case="study")
    told = "; ".join(f"{one.row}: {one.reason}" for one in by_case.rejected())
    assert told.startswith(f"case row {first + 3}: the case is not named"), told
    rows[3][1], rows[2][0] = "x", "a film"
    by_case = table(workbook(tmp_path / "u.xlsx", [*above, *rows]), case="study")
    reasons = " ".join(one.reason for one in by_case.rejected())
    assert f"'y' in row {first + 1}, 'x' in row {first + 2}" in reasons


def test_a_text_without_a_header_begins_at_its_first_row(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a spot,x\n,y\n")
    found = table(tmp_path / "t.csv", reader={"type": "csv", "columns": ["note", "dx"]})
    assert [one.row for one in found.rejected()] == ["row 2"]


def test_a_name_may_be_merged_across_columns(tmp_path: Path) -> None:
    rows = [["file", "size", None, "dx", "age"], ["1.png", "2", "3", "x", "40"]]
    found = mmx.open_table(workbook(tmp_path / "t.xlsx", rows, "B1:C1"))
    assert (list(found.cells.columns), len(found.cells)) == (["file", "size", "dx", "age"], 1)
    assert "columns whose name is empty are left out: C1" in found.notes


def test_rows_of_blanks_at_the_end_of_a_sheet_are_left_out(tmp_path: Path) -> None:
    blank = [" ", None, ""]
    found = mmx.open_table(workbook(tmp_path / "t.xlsx", [HEADER, ROW, blank, ROW, blank, blank]))
    assert len(found.cells) == 3


def test_a_file_without_a_header_is_named_by_the_spec(tmp_path: Path) -> None:
    """As MedMNIST writes it: part, file, class."""
    path = tmp_path / "bloodmnist.csv"
    path.write_text("".join(f"TRAIN,train{row}_{row % 2}.png,{row % 2}\n" for row in range(6)))
    with pytest.raises(DataError, match=r"mmx init --columns a,b,c "):
        guess_columns(mmx.read_table(path), tmp_path)
    names = ["split", "file", "dx"]
    found = table(path, reader={"type": "csv", "columns": names}, text=None, images=["file"])
    samples: Sequence[Sample] = found.samples()
    assert [row.label for row in samples] == ["0", "1"] * 3
    assert found.column("split") == ["TRAIN"] * 6
    with pytest.raises(DataError, match="not a readable table"):
        table(path, reader={"type": "csv", "columns": names[:2]})


@pytest.mark.parametrize(
    ("ending", "write"),
    [
        ("parquet", lambda table, path: table.to_parquet(path)),
        ("jsonl", lambda table, path: table.to_json(path, orient="records", lines=True)),
    ],
)
def test_lists_are_several_labels(
    tmp_path: Path, ending: str, write: Callable[[pandas.DataFrame, Path], None]
) -> None:
    labels = [["edema", "it's, a mass"], [], ["edema"], None]
    cells = {"note": ["a film", "two films"] * 10, "dx": labels * 5, "image": ["1.png"] * 20}
    write(pandas.DataFrame(cells), tmp_path / f"t.{ending}")
    found = table(tmp_path / f"t.{ending}", labels=MULTI)
    told = [[row.labels[name] for name in ("edema", "it's, a mass")] for row in found.samples()[:4]]
    assert told == [["1", "1"], ["0", "0"], ["1", "0"], [None, None]]
    columns = guess_columns(mmx.read_table(tmp_path / f"t.{ending}"), tmp_path)
    assert (columns.label, columns.task["type"]) == ("dx", "multi_label")


@pytest.mark.parametrize("several", ["refuse", "first", "own"])
@pytest.mark.parametrize("case", [None, "case"])
@pytest.mark.parametrize("held", [["edema", "mass"], np.array(["edema"]), []])
def test_a_list_is_refused_where_a_case_has_one_label(
    tmp_path: Path, several: str, case: str | None, held: object
) -> None:
    cells = {"note": ["a film", "two films"], "dx": [held, held], "case": ["a", "b"]}
    pandas.DataFrame(cells).to_parquet(tmp_path / "t.parquet")
    rule = {"several": several, **({"separator": "|"} if several == "first" else {})}
    with pytest.raises(DataError, match=r"'dx' holds a list of .*says several: each"):
        table(tmp_path / "t.parquet", labels=rule, case=case)


@pytest.mark.parametrize("held", [["a", "b"], ("a", "b"), np.array(["a", "b"])])
def test_lists_of_any_kind_are_written_alike(held: object) -> None:
    cells = pandas.Series([held, [], ["a", 1], "c", None], dtype=object)
    assert with_written_lists(cells).tolist() == ["['a', 'b']", "[]", ["a", 1], "c", None]


def test_words_that_differ_in_case_are_asked_about(tmp_path: Path) -> None:
    rows = {
        "file": [f"{row}.png" for row in range(40)],
        "dx": ["x", "y"] * 20,
        "itch": ["ja", "Ja", "nein", "nein", "NEIN"] * 8,
        "site": ["Arm", "Leg"] * 20,
    }
    found = guess_columns(pandas.DataFrame(rows), tmp_path)
    (asked,) = [one for one in found.questions if "are read as different values" in one]
    assert asked.startswith("are 'Ja' and 'ja', 'NEIN' and 'nein' in 'itch' the same?")


def test_numbers_with_a_comma_that_may_be_two_codes_are_asked_about(tmp_path: Path) -> None:
    rows = {
        "file": [f"{row}.png" for row in range(40)],
        "dx": ["x", "y"] * 20,
        "complaints": ["1,2", "1", "2", "3", "1,3"] * 8,
        "size": [("2,5", "1", "3,0")[row % 3] for row in range(40)],
    }
    found = guess_columns(pandas.DataFrame(rows), tmp_path)
    (asked,) = found.questions
    assert asked.startswith("are values of 'complaints' such as '1,2' numbers?")
    assert {"complaints", "size"} <= {*found.record}


def test_numbers_that_a_few_words_make_words_are_told(tmp_path: Path) -> None:
    ages = ["years", *(str(30 + row) for row in range(20)), ">80", ""]
    rows = "".join(f"a spot,{'xy'[row % 2]},{age}\n" for row, age in enumerate(ages))
    (tmp_path / "t.csv").write_text(f"note,dx,age\n{rows}")
    found = table(tmp_path / "t.csv", record=["age"])
    (told,) = found.facts.notes
    assert told.startswith("column 'age' is read as words, for 2 of its 22 cells are no numbers: ")
    assert "'years' in row 2, '>80' in row 23" in told
    clean = table(tmp_path / "t.csv", record=["age"], missing=["years", ">80"])
    assert [row.record["age"] for row in clean.samples()][:2] == [None, 30]
    assert all("read as words" not in note for note in clean.facts.notes)


def test_names_of_columns_lose_outer_blanks(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(" note, dx \na spot,x\n")
    assert list(mmx.read_table(tmp_path / "t.csv").columns) == ["note", "dx"]
    (tmp_path / "t.csv").write_text("dx, dx\nx,x\n")
    with pytest.raises(DataError, match="more than one column named dx"):
        mmx.read_table(tmp_path / "t.csv")
