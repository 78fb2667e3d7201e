"""Whether labels are levels in an order that they say themselves, such as BI-RADS 1 to 5."""

import re
from collections.abc import Iterable

from mmx.spec import column_names as names_of

_NUMBERED = re.compile(r"^(\D*?)\s*(\d+)$")
_LETTERED = re.compile(r"^(?:(.*\s))?([A-H])$")
_ROMAN = ("0", "I", "II", "III", "IV", "V", "VI")
_FEWEST = 3  # of two classes the order says nothing


def levels_of(labels: Iterable[str]) -> tuple[str, ...]:
    """The classes in the order that they count: by their numbers, Roman ones or letters.

    Returns:
        Empty where they have no such order, or leave out more than every other step.
    """
    names = {*labels} - {""}
    for place in (_numbers, _romans, _letters):
        found = {name: place(name) for name in names}
        stems = {one[0] for one in found.values() if one is not None}
        steps = {one[1] for one in found.values() if one is not None}
        if None not in found.values() and len(stems) == 1 and len(steps) == len(names) >= _FEWEST:
            near = max(steps) - min(steps) < 2 * len(steps)
            return tuple(sorted(names, key=lambda name: found[name] or ("", 0))) if near else ()
    return ()


def _numbers(name: str) -> tuple[str, int] | None:
    found = _NUMBERED.match(name)
    return (found[1], int(found[2])) if found else None


def _romans(name: str) -> tuple[str, int] | None:
    stem, _, last = name.rpartition(" ")
    return (stem, _ROMAN.index(last)) if last in _ROMAN else None


def _letters(name: str) -> tuple[str, int] | None:
    found = _LETTERED.match(name)
    return (found[1] or "", ord(found[2])) if found else None


def speaks_of_levels(name: str) -> bool:
    """Whether the name of a column is that of grades."""
    return bool(names_of.says(name, names_of.GRADES))
