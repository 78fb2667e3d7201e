"""Where a table begins: titles, what stands between cells, and lines that hold nothing."""

from pathlib import Path

import pytest

import mmx

NAMES = ["image", "Größe, in mm", "dx"]
ROWS = [["a.png", "2,5", "nv"], ["b.png", "3,5", "mel"]]


def lines(sign: str) -> str:
    return "".join(f"{sign.join(row)}\n" for row in (NAMES, *ROWS))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", lines(";")),
        ("t.csv", lines("\t")),
        ("t.csv", "sep=\t\r\n" + lines("\t")),
        ("t.csv", '"sep=;"\r\n' + lines(";")),
        ("t.csv", "SEP=;\r" + lines(";").replace("\n", "\r")),
        ("t.tsv", lines(";")),
        ("t.csv", lines("|").replace(",", ".")),
        ("t.csv", "Study of skin\n\n" + lines(";")),
        ("t.csv", "# exported 2023\n" + lines(";")),
        ("t.csv", "Study of skin;;\n;;\n" + lines(";")),
        ("t.csv", lines(";").replace("image;", " image ;").replace(";dx", "; dx")),
    ],
)
def test_cells_are_parted_by_what_parts_all_rows_alike(
    tmp_path: Path, name: str, text: str
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode())
    found = mmx.open_table(path)
    told = [one.replace(".", ",") for one in found.cells.columns]
    assert told == NAMES
    assert found.cells["dx"].tolist() == ["nv", "mel"]
    above = text[: text.index("image")].count("\n") if "skin" in text or "#" in text else 0
    assert found.numbers.of(0) == 2 + above
    assert any("what stands above is a title" in note for note in found.notes) is (above > 0)


def test_a_text_of_one_column_has_no_title(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('note\n"a spot, since May, red"\n"a lump"\n')
    assert mmx.read_table(path)["note"].tolist() == ["a spot, since May, red", "a lump"]
    path.write_text("image\n1.jpg;2.jpg;3.jpg\n4.jpg;5.jpg;6.jpg\n")
    assert mmx.read_table(path)["image"].tolist() == ["1.jpg;2.jpg;3.jpg", "4.jpg;5.jpg;6.jpg"]


def test_rows_that_are_longer_than_what_is_looked_at_are_parted_like_others(tmp_path: Path) -> None:
    path, report = tmp_path / "t.csv", "a lump " * 5_000
    path.write_text("note;size, in mm;image\n" + f"{report};2;a.png\n" * 3)
    assert [*mmx.read_table(path).columns] == ["note", "size, in mm", "image"]


def test_rows_keep_the_numbers_that_a_spreadsheet_shows_behind_lines_that_hold_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b,dx\n1,"two\n\nlines",x\n\n3,4,y\na,b,dx\n\n\n5,6,x\n\n')
    found = mmx.open_table(path)
    assert found.cells["dx"].tolist() == ["x", "y", "x"]
    assert [found.numbers.of(row) for row in range(3)] == [2, 4, 8]
    assert list(found.notes) == [
        "lines between the rows that hold nothing are left out: 3 (rows 3, 6, 7)",
        "rows that only repeat the names of the columns are left out: 1 (row 5)",
    ]
