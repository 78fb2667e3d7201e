"""A group in two parts: the test part then holds cases that were learned from."""

import numpy as np

from mmx.audit.check import Check
from mmx.audit.finding import SHOWN, Finding
from mmx.audit.subject import Subject
from mmx.data import UNUSED


def find(subject: Subject) -> list[Finding]:
    """One error that names the groups."""
    used = np.flatnonzero(subject.parts != UNUSED)
    parts_of: dict[str, set[str]] = {}
    pairs = zip(subject.groups[used].tolist(), subject.parts[used].tolist(), strict=True)
    for group, part in pairs:
        parts_of.setdefault(group, set()).add(part)
    torn = sorted(group for group, parts in parts_of.items() if len(parts) > 1)
    if not torn:
        return []
    evidence = tuple(
        {subject.group: group, "parts": ", ".join(sorted(parts_of[group]))}
        for group in torn[:SHOWN]
    )
    message = (
        f"{len(torn)} of {len(parts_of)} {subject.many} are in more than one part, so the test "
        "part holds cases that were learned from; split by group"
    )
    return [Finding("group_overlap", "error", message, evidence)]


CHECK = Check("group_overlap", "a group in two parts", find, short=True, by_label=False)
