"""One cell: what it holds as a number or as a category, and when it holds nothing."""

import math
from collections.abc import Collection, Mapping

from mmx.interfaces import Record, Value


def number(value: Value) -> float | None:
    """A finite number, also one that is written as text; else None."""
    try:
        found = math.nan if value is None else float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def word(value: Value) -> str | None:
    """A category by its name, whole numbers without '.0'; None where nothing stands."""
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else repr(value)
    return None if value is None else str(value).strip() or None


def without_codes(record: Record, codes: Mapping[str, Collection[str | None]]) -> Record:
    """The record without cells that hold a word or number that is declared to mean missing."""
    return {
        name: None if word(value) in codes.get(name, ()) else value
        for name, value in record.items()
    }
