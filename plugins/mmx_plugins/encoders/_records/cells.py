"""One cell: what it holds as a number or as a category, and when it holds nothing."""

import math
from collections.abc import Collection, Mapping, Sequence

from mmx.interfaces import Record, Value
from mmx_plugins.encoders._records.dates import Order, in_order


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


def as_stated(
    records: Sequence[Record],
    missing_codes: Mapping[str, Collection[str | float]],
    dates: Mapping[str, Order],
) -> Sequence[Record]:
    """Records without cells that are declared to mean missing, and with dates that can be read."""
    codes = {name: {word(one) for one in found} for name, found in missing_codes.items()}
    if not codes and not dates:
        return records
    return [_with_dates(without_codes(record, codes), dates) for record in records]


def _with_dates(record: Record, dates: Mapping[str, Order]) -> Record:
    found = {name: in_order(record.get(name), dates[name]) for name in dates if name in record}
    return {**record, **found}


def without_codes(record: Record, codes: Mapping[str, Collection[str | None]]) -> Record:
    """The record without cells that hold a word or number that is declared to mean missing."""
    coded = [name for name in codes if name in record and word(record[name]) in codes[name]]
    return {**record, **dict.fromkeys(coded)}
