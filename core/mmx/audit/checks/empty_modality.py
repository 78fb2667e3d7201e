"""A part of the split in which most samples lack one of their modalities.

A fusion would then learn from the others, while every page speaks of all. More than half is an
error where the fusion reads that modality; what stands in for it is a run without it.
"""

from collections.abc import Iterator

import numpy as np

from mmx.audit.check import Check
from mmx.audit.finding import Finding
from mmx.audit.subject import Subject
from mmx.interfaces import IMAGE, TEXT
from mmx.spec import PARTS

_ID = "empty_modality"
_MOST = 0.5  # share of a part that may lack a modality


def find(subject: Subject) -> list[Finding]:
    """One error for each part and modality that is mostly empty."""
    found: list[Finding] = []
    for name, texts in (subject.written or {TEXT: subject.texts}).items():
        empty = np.array([not text.strip() for text in texts], dtype=bool)
        found += _judged(subject, empty, name, _why(subject))
    has = {name: one.has_image for name, one in subject.images.items()}
    if not has and subject.has_image is not None:
        has = {IMAGE: subject.has_image}
    for name, there in has.items():
        found += _judged(subject, ~there, name, "no image is named or readable")
    for name, there in subject.there.items():
        found += _judged(subject, ~there, name, "the data set has nothing to read in these rows")
    return found


def _judged(
    subject: Subject,
    lacking: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]",
    name: str,
    why: str,
) -> Iterator[Finding]:
    if name not in subject.reads:
        return
    rest = sorted(subject.reads - {name})
    alone = f"use fusion: {{type: only, modality: {rest[0]}}}" if len(rest) == 1 else "leave it out"
    for part in PARTS:
        rows = np.flatnonzero(subject.parts == part)
        count = int(lacking[rows].sum())
        if count > _MOST * len(rows):
            message = (
                f"{count} of {len(rows)} samples of the {part} part have no {name}, and the fusion "
                f"reads it ({why}); more than {_MOST:.0%} is no run with a {name}: mend it, or "
                f"{alone}"
            )
            some = tuple({"sample": str(subject.ids[row])} for row in rows[lacking[rows]][:10])
            yield Finding(_ID, "error", message, some)


def _why(subject: Subject) -> str:
    if subject.unread:
        return f"{subject.narrative} never reads {', '.join(map(repr, subject.unread))}"
    return f"{subject.narrative} found nothing to write in their records"


_FINDS = "parts in which a modality is mostly missing"
CHECK = Check(_ID, _FINDS, find, short=True, by_label=False)
