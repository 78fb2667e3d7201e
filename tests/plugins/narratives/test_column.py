"""A text column is used as it is."""

import pytest

from mmx import DataError, Sample
from mmx_plugins.narratives.column import ColumnParams


def test_the_text_is_unchanged() -> None:
    sample = Sample("s", "g", record={"notes": "  as IT is \n"})
    assert ColumnParams(column="notes").build(None).write(sample) == "  as IT is \n"


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_text_is_absent_or_an_error(value: str | None) -> None:
    sample = Sample("s7", "g", record={"notes": value})
    assert ColumnParams(column="notes").build(None).write(sample) == ""
    with pytest.raises(DataError, match="empty for s7"):
        ColumnParams(column="notes", on_missing="error").build(None).write(sample)


def test_an_unknown_column_names_those_there() -> None:
    with pytest.raises(DataError, match="no field 'note' .* notes"):
        ColumnParams(column="note").build(None).write(Sample("s", "g", record={"notes": "x"}))
