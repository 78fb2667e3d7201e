"""A cell is read by itself: its text never depends on another row."""

from pathlib import Path

import pandas
import pytest

from mmx import DataError, TableRows
from mmx.interfaces import Layout

LAYOUT = Layout(text="t", id="id", group="g", label="dx")


def rows(**columns: list[object]) -> TableRows:
    return TableRows(LAYOUT, pandas.DataFrame(columns, dtype=object), Path())


def test_numbers_keep_their_form_whatever_stands_in_other_rows() -> None:
    many = rows(t=["a", "b", "c"], id=[7, 2**53 + 1, 2.5], g=[1.0, 1.5, "x"], dx=[1, 1.0, None])
    assert [one.id for one in many] == ["7", str(2**53 + 1), "2.5"]
    assert [one.group for one in many] == ["1", "1.5", "x"]
    assert [one.label for one in many] == ["1", "1", None]


def test_a_cell_that_is_no_cell_is_refused_by_column_and_row() -> None:
    with pytest.raises(DataError, match="column 'id' holds a struct {bytes} in row 3"):
        rows(t=["a", "b"], id=["x", {"bytes": b""}], g=["1", "2"], dx=["a", "b"])


def test_a_row_number_is_told_apart_from_an_id() -> None:
    table = pandas.DataFrame({"t": ["a"]})
    (bare,) = TableRows(Layout(text="t"), table, Path())
    assert (bare.id, bare.numbered) == ("2", True)
    (named,) = rows(t=["a"], id=["2"], g=["x"], dx=["y"])
    assert (named.id, named.numbered) == ("2", False)
