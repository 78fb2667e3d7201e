"""Dates and measurements that stand in a table as text, as numbers."""

import re
from collections.abc import Sequence
from datetime import date, datetime

_LEAST = 0.95  # share of the cells that must have the form
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d.*)?")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:[T ]\d.*)?")
_CHINESE = re.compile("(\\d{4})\u5e74(\\d{1,2})\u6708(\\d{1,2})\u65e5")
_NAMED = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%b %d %Y", "%B %d %Y")
_MEASURE = re.compile("([-+]?\\d+(?:[.,]\\d+)?)\\s*[a-zA-Z\u00b5\u03bc%\u00b0]{0,6}")


def as_numbers(words: Sequence[str]) -> list[float | None] | None:
    """Days of dates, or values of measurements such as ``3,5 mm``; None when they are neither.

    Args:
        words: filled cells of one column.

    Returns:
        One number for each, None where a cell has another form than nearly all.
    """
    for read in (_day, _measure):
        found = [read(word.strip()) for word in words]
        if words and sum(one is not None for one in found) >= _LEAST * len(words):
            return found
    return None


def _day(word: str) -> float | None:
    """Days since year 1; day and month in either order where both can be."""
    for form, order in ((_YEAR_FIRST, (0, 1, 2)), (_CHINESE, (0, 1, 2)), (_YEAR_LAST, (2, 1, 0))):
        if match := form.fullmatch(word):
            year, month, day = (int(match.groups()[index]) for index in order)
            return _ordinal(year, month, day) or _ordinal(year, day, month)
    for named in _NAMED if word[-1:].isdigit() and not word.isdigit() else ():
        try:
            return float(datetime.strptime(word, named).toordinal())
        except ValueError:
            continue
    return None


def _ordinal(year: int, month: int, day: int) -> float | None:
    try:
        return float(date(year, month, day).toordinal())
    except ValueError:
        return None


def _measure(word: str) -> float | None:
    match = _MEASURE.fullmatch(word)
    return float(match[1].replace(",", ".")) if match else None
