"""No cell of a sheet is a formula, and every cell comes back as it was."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmx.files import own_words, sheet

CELLS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n")
) | st.sampled_from(
    ["=1+1", "'=1", "''=1", "-0.5", "-", "+49 170", "\tx", "a;=1", 'q"x', "@x", "＝a", "'-0.5", "'"]
)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text)))


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2)))
def test_cells_come_back_and_none_is_a_formula(rows: list[list[str]]) -> None:
    written = sheet(["=a", "b"], rows)
    found = read(written.text)
    assert [[own_words(cell) for cell in row] for row in found] == [["=a", "b"], *rows]
    for cell in (cell for row in found for cell in row):
        if cell[:1] in tuple("=+-@\t＝＋－＠"):
            float(cell)  # a number is no formula


@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "@SUM(A1)", "+1+1", "-1+1", "\t=1", "\r=1"])
def test_a_formula_is_guarded_and_told(cell: str) -> None:
    written = sheet(["id"], [[cell], ["plain"]])
    assert written.guarded == 1
    assert "apostrophe" in written.note
    assert written.text.splitlines()[1].lstrip('"').startswith("'")


def test_numbers_stay_numbers_and_nothing_is_told() -> None:
    written = sheet(["a", "b", "c"], [[-0.5, "-1e-05", None], [float("nan"), 3, "+7"]])
    assert written.text == "a,b,c\n-0.5,-1e-05,\n,3,+7\n"
    assert written.note == ""


def test_a_cell_is_one_cell_for_semicolons_too() -> None:
    text = sheet(["a", "b"], [["x;=1", 'say "no"']]).text
    assert text.splitlines()[1] == '"x;=1","say ""no"""'


def test_an_empty_cell_alone_is_a_row() -> None:
    assert read(sheet(["a"], [[""], ["b"]]).text) == [["a"], [""], ["b"]]
