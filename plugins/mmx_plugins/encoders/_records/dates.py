"""Dates, which are never read as they are: they tell the year and the place of an examination.

Days between two dates, and the month or weekday as a point on a circle, are numbers like others.
"""

import math
import re
from datetime import date, timedelta
from typing import Literal

from mmx.interfaces import Value

Cycle = Literal["month", "weekday"]
Order = Literal["day_first", "month_first"]

_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d.*)?")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[T ]\d.*)?")
_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})((?:[T ]\d.*)?)")
_WEEK = 7
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def read_date(value: Value) -> date | None:
    """The day of 2021-03-28, 2021/03/28 or 28.03.2021, with or without a time; else None.

    03/28/2021 and 28/03/2021 are not read: of 03/04/2021 nobody can say which is the month, so the
    setting ``dates`` must, and ``in_order`` writes such cells as 2021-03-28.
    """
    if not isinstance(value, str):
        return None
    text = value.strip()
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day = map(int, match.groups())
    elif match := _DAY_FIRST.fullmatch(text):
        day, month, year = map(int, match.groups())
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def asks_for_order(value: Value) -> bool:
    """Whether a cell looks like 03/04/2021, whose month only its author knows."""
    return isinstance(value, str) and _SLASHED.fullmatch(value.strip()) is not None


def in_order(value: Value, order: Order) -> Value:
    """A date such as 03/04/2021 with its year first; any other cell as it is."""
    match = _SLASHED.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return value
    first, second, year, time = match.groups()
    day, month = (first, second) if order == "day_first" else (second, first)
    return f"{year}-{month}-{day}{time}"


def days_since(value: Value, since: Value) -> float | None:
    """Days from ``since`` to ``value``; None where one of them is no date."""
    later, earlier = read_date(value), read_date(since)
    return None if later is None or earlier is None else float((later - earlier) / _DAY)


def turn(value: Value, cycle: Cycle) -> float | None:
    """The place of a date in its year or week, as an angle in [0, 2 pi); None without a date.

    Of a year the months are equally long, as ``month`` is asked for, and days divide them.
    """
    day = read_date(value)
    if day is None:
        return None
    if cycle == "weekday":
        return 2 * math.pi * day.weekday() / _WEEK
    return 2 * math.pi * (day.month - 1 + (day.day - 1) / _DAYS[day.month - 1]) / 12


_DAY = timedelta(days=1)
