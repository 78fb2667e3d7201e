"""Excel files: what is told of cells that are not plain values."""

import datetime
import zipfile
from pathlib import Path

import openpyxl
import pytest
from openpyxl.comments import Comment

import mmx
from mmx_plugins.readers import xlsx
from mmx_plugins.readers.xlsx import XlsxParams


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Patienten"
    sheet.append(["Pat", "Geboren", "Bild", "Befund", "x", None])
    sheet.append(["P1", datetime.date(1970, 1, 2), "a.png", "=A1&A2", 1, "aside"])
    sheet.append([None, datetime.datetime(1970, 1, 2, 3, 4), "b.png", "#DIV/0!", 2.5, None])
    sheet.append(["P2", None, "007", "frei", True, None])
    sheet.append([None] * 6)
    sheet.merge_cells("A2:A3")
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions.group("C", "E", hidden=True)
    book.create_sheet("Zweites").append(["id"])
    book.save(tmp_path / "clinic.xlsx")
    return tmp_path / "clinic.xlsx"


def test_cells_are_what_the_sheet_shows(clinic: Path) -> None:
    found = mmx.open_table(clinic)
    assert found.cells.to_dict("list") == {
        "Pat": ["P1", "P1", "P2"],
        "Geboren": ["1970-01-02", "1970-01-02 03:04:00", None],
        "Bild": ["a.png", "b.png", "007"],
        "Befund": [None, None, "frei"],
        "x": [1, 2.5, True],
    }
    assert found.guesses == {"sheet": "Patienten"}


def test_what_is_no_plain_value_is_told_with_its_cells(clinic: Path) -> None:
    notes = "\n".join(mmx.open_table(clinic).notes)
    for words in (
        "the sheet 'Patienten' is read; there are also Zweites",
        "one value for all their rows: A2:A3",
        "whose value is not stored count as missing: D2", "an error count as missing: D3",
        "whose name is empty are left out: F1", "hidden in the sheet are read too: 3",
        "columns that are hidden in the sheet are read too: C to E",
    ):  # fmt: skip
        assert words in notes


def test_a_header_further_down_and_another_sheet_are_settings(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Klinik"], [], ["id", "age"], ["a", 4]):
        book.create_sheet("Liste") if "Liste" not in book.sheetnames else None
        book["Liste"].append(row)
    book.save(tmp_path / "a.xlsx")
    reader = XlsxParams(sheet="Liste", header=3)
    assert mmx.read_table(tmp_path / "a.xlsx", reader=reader).to_dict("list") == {
        "id": ["a"], "age": [4],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sheet": "Q"}, "has no sheet 'Q'; its sheets are Patienten, Zweites"),
        ({"separator": ";"}, "no setting 'separator'; its settings are sheet, header"),
        ({"reader": XlsxParams(header=9)}, "has 4 rows, no row 9"),
    ],
)
def test_what_does_not_fit_is_told(clinic: Path, settings: dict[str, str], words: str) -> None:
    with pytest.raises(mmx.DataError, match=words):
        mmx.read_table(clinic, **settings)  # type: ignore[arg-type]


def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_read(
    clinic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(clinic) as packed:
        size = sum(part.file_size for part in packed.infolist())
    monkeypatch.setattr(xlsx, "UNPACKED_LIMIT", size - 1)
    with pytest.raises(mmx.DataError, match="unpacks to"):
        mmx.read_table(clinic)


def test_no_excel_file_is_refused_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(mmx.DataError, match="not a readable Excel file"):
        mmx.read_table(tmp_path / "a.xlsx")


def test_names_of_two_rows_are_joined_without_merged_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["ID", "Refraction", None, "IOP", None, "dx"])
    sheet.append([None, "sphere", "axis", "air", "contact", None])
    sheet.append(["a", 0.5, 80, 14, None, "x"])
    book.save(tmp_path / "t.xlsx")
    found = mmx.open_table(tmp_path / "t.xlsx")
    names = ["ID", "Refraction / sphere", "Refraction / axis", "IOP / air", "IOP / contact", "dx"]
    assert list(found.cells.columns) == names
    assert (len(found.cells), found.numbers.of(0)) == (1, 3)
    assert "in row 1 the first part of names with ' / '" in found.notes[0]


def test_a_first_row_that_fills_a_column_without_a_name_is_a_row(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (["id", None, "dx"], ["a", "aside", None], ["b", None, "x"]):
        sheet.append(row)
    book.save(tmp_path / "t.xlsx")
    assert mmx.read_table(tmp_path / "t.xlsx")["id"].tolist() == ["a", "b"]


def test_sheets_that_are_hidden_or_empty_are_not_the_first_one(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    hidden = book.create_sheet("old")
    data = book.create_sheet("Data")
    for sheet in (hidden, data):
        sheet.append(["id", "dx"])
        sheet.append([sheet.title, "x"])
    hidden.sheet_state = "hidden"
    data["A2"].comment = Comment("sure?", "a doctor")
    data.column_dimensions["B"].hidden = True
    book.save(tmp_path / "t.xlsx")
    found = mmx.open_table(tmp_path / "t.xlsx")
    assert found.cells["id"].tolist() == ["Data"]
    notes = "; ".join(found.notes)
    assert "the sheet 'Data' is read; there are also Sheet, old" in notes
    assert "comments on cells are not read: A2" in notes
    assert "columns that are hidden in the sheet are read too: B" in notes
