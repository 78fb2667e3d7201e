"""A part of the split in which most samples lack their text, or their image.

A fusion of both sides would then learn from one of them, while every page speaks of two. More than
half is an error where the fusion reads that side; what stands in for it is a run of one side.
"""

from collections.abc import Iterator

import numpy as np

from mmx.audit.check import Check
from mmx.audit.finding import Finding
from mmx.audit.subject import Subject
from mmx.spec import PARTS

_ID = "empty_side"
_MOST = 0.5  # share of a part that may lack a side


def find(subject: Subject) -> list[Finding]:
    """One error for each part and side that is mostly empty."""
    empty = np.array([not text.strip() for text in subject.texts], dtype=bool)
    found = [*_judged(subject, empty, "text", "fusion: image_only")]
    if subject.has_image is not None:
        found += _judged(subject, ~subject.has_image, "image", "fusion: text_only")
    return found


def _judged(
    subject: Subject,
    lacking: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]",
    side: str,
    alone: str,
) -> Iterator[Finding]:
    if side not in subject.reads:
        return
    for part in PARTS:
        rows = np.flatnonzero(subject.parts == part)
        count = int(lacking[rows].sum())
        if count > _MOST * len(rows):
            why = _why(subject) if side == "text" else "no image is named or readable"
            message = (
                f"{count} of {len(rows)} samples of the {part} part have no {side}, and the fusion "
                f"reads it ({why}); more than {_MOST:.0%} is no run of two sides: mend it, or use "
                f"{alone}"
            )
            some = tuple({"sample": str(subject.ids[row])} for row in rows[lacking[rows]][:10])
            yield Finding(_ID, "error", message, some)


def _why(subject: Subject) -> str:
    if subject.unread:
        return f"{subject.narrative} never reads {', '.join(map(repr, subject.unread))}"
    return f"{subject.narrative} found nothing to write in their records"


CHECK = Check(_ID, "parts whose texts or images are mostly missing", find, short=True)
