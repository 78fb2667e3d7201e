"""A text and the record in one: neither is lost, and either may be missing."""

from typing import Any

import pytest

from mmx import DataError, Sample
from mmx_plugins.narratives.joined import JoinedParams


def _write(record: dict[str, str | float | None], **settings: Any) -> str:
    sample = Sample("id", "group", record=record, roles={"age": "Alter"})
    return JoinedParams(column="notes", **settings).build(None).write(sample)


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"Alter": 45.0, "notes": "It itches."}, "A 45-year-old patient. It itches."),
        ({"Alter": 45.0, "notes": None}, "A 45-year-old patient."),
        ({"Alter": None, "notes": "It itches."}, "It itches."),
        ({"Alter": None, "notes": None}, ""),
        ({"notes": "x", "size_mm": 4.0}, "A case; size: 4 mm. x"),
    ],
)
def test_it_joins_what_is_there(record: dict[str, str | float | None], text: str) -> None:
    assert _write(record) == text


def test_the_text_may_stand_first() -> None:
    assert _write({"sex": "f", "notes": "It itches."}, first="text") == "It itches. A woman."


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match="no field 'notes' in the record of id, which has age"):
        _write({"age": 4.0})
