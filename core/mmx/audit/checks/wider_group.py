"""A column that holds several groups together: the patient, where the split is by lesion or visit.

Two lesions of one patient share skin, camera and doctor. Where such a column is named like a
patient and its values stand in several parts, the test part is easier than a new patient is.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from mmx.audit.check import Check
from mmx.audit.finding import SHOWN, Evidence, Finding
from mmx.audit.subject import Subject
from mmx.data import UNUSED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

_ID = "wider_group"
_NAMES = re.compile(
    r"(?<![a-z])(?:patient|person|subject|pat|case|fall|subjekt|sujet|sujeto|paciente|study|studie"
    r"|visit|besuch|lesion|l\u00e4sion|individual|participant|proband|mrn)(?![a-z])"
    "|\u75c5\u4eba|\u60a3\u8005|\u53d7\u8bd5\u8005|\u75c5\u4f8b|\u75c5\u6848\u53f7|\u4f4f\u9662\u53f7"
)
_FACTS = re.compile(
    r"(?<![a-z])(?:age|alter|sex|gender|geschlecht|date|type|score|status)(?![a-z])"
)
_FEWEST, _LEAST = 5, 0.05  # values, and their share of the groups: fewer are no patients
_MIXED = 0.05  # share of the groups with several values, as typing errors make them
_APART = re.compile(r"(?<=[a-z])(?=[A-Z])|[_\W]+")


def find(subject: Subject) -> list[Finding]:
    """A warning for each such column whose values stand in several parts; else a note."""
    used = np.flatnonzero(subject.parts != UNUSED)
    return [one for name, cells in _columns(subject, used) for one in _judged(subject, name, cells)]


def like_a_group(name: str) -> bool:
    """Whether a column is named like a patient, a visit or a lesion."""
    words = " ".join(_APART.split(name)).lower()
    return _NAMES.search(words) is not None and _FACTS.search(words) is None


def _columns(subject: Subject, used: "Rows") -> Iterator[tuple[str, Mapping[int, str]]]:
    """Name and filled cells, by row."""
    for name, values in subject.record(used).items():
        if like_a_group(name):
            yield name, {int(row): str(value) for row, value in zip(used, values, strict=True)
                         if value not in (None, "")}  # fmt: skip
    for name, read in subject.spare.items():
        if like_a_group(name):
            cells = read()
            yield name, {int(row): cells[int(row)] for row in used if cells[int(row)]}


def _judged(subject: Subject, name: str, cells: Mapping[int, str]) -> Iterator[Finding]:
    """Only where a value holds several groups, and hardly a group has several values."""
    groups_of: dict[str, set[str]] = {}
    parts_of: dict[str, set[str]] = {}
    values_of: dict[str, set[str]] = {}
    for row, value in cells.items():
        group = str(subject.groups[row])
        groups_of.setdefault(value, set()).add(group)
        values_of.setdefault(group, set()).add(value)
        parts_of.setdefault(value, set()).add(str(subject.parts[row]))
    several = [value for value, groups in groups_of.items() if len(groups) > 1]
    mixed = sum(len(values) > 1 for values in values_of.values())
    few = len(groups_of) < max(_FEWEST, _LEAST * len(values_of))
    if not several or few or mixed > _MIXED * len(values_of):
        return
    torn = sorted(value for value in several if len(parts_of[value]) > 1)
    evidence: tuple[Evidence, ...] = tuple(
        {
            name: value,
            subject.many: len(groups_of[value]),
            "parts": ", ".join(sorted(parts_of[value])),
        }
        for value in (torn or sorted(several))[:SHOWN]
    )
    counted = f"{len(several)} of {len(groups_of)} values"
    what = f"{name!r} holds several {subject.many} together ({counted})"
    if not torn:
        yield Finding(_ID, "note", f"{what}; none of them stands in more than one part", evidence)
        return
    yield Finding(
        _ID,
        "warning",
        f"{what}, and the split is by {subject.group}: {len(torn)} stand in more than one part, so "
        f"the test part holds what was partly learned from; split by it (group: {name})",
        evidence,
    )


_FINDS = "a patient whose lesions or visits stand in more than one part"
CHECK = Check(_ID, _FINDS, find, short=True, by_label=False)
