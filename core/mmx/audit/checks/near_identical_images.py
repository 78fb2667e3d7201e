"""Copies of an image that are not byte-identical: resized, compressed, moved, mirrored, turned.

Candidates are pairs whose perceptual hashes, in any of eight views and nine places, lie within a
distance that random pairs of this data rarely reach. Each is confirmed by the correlation of its
fine structure, which must be higher than in 999 of 1,000 random pairs. Told are pairs in two parts,
and pairs with two labels, wherever they stand.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmx.audit.check import Check
from mmx.audit.copies import MOST_MOVED, Copy, copies
from mmx.audit.finding import SHOWN, Evidence, Finding
from mmx.audit.hashes import batches, structured
from mmx.audit.subject import Subject
from mmx.data import SMALL_SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

_ID = "near_identical_images"
_BATCH = 256
_PICTURES = 12


def find(subject: Subject) -> list[Finding]:
    """A warning for copies in two parts, and one for copies with two labels."""
    if subject.pictures is None or subject.has_picture is None:
        return []
    rows, small = _usable(subject, subject.has_picture)
    if not len(rows):
        return []
    found, search = copies(subject, rows, small)
    across = [one for one in found if subject.parts[one.left] != subject.parts[one.right]]
    left, right = (
        np.array([(one.left, one.right) for one in found], dtype=np.int64).reshape(-1, 2).T
    )
    torn = [found[index] for index in np.flatnonzero(subject.unlike(left, right)).tolist()]
    seen = (
        f"correlation at least {search.correlation:.2f}, at most {search.distance} of 64 bits of "
        "the hash apart"
    )
    if not search.moved:
        seen += f"; above {MOST_MOVED:,} different images, moved copies are not looked for"
    return [
        *_told(subject, across, f"in two parts and two {subject.many} ({seen}): look at them, and "
               f"give true copies one {subject.group}"),
        *_told(subject, torn, f"with two labels ({seen}): look at them; of a true copy, at least "
               "one label is wrong"),
    ]  # fmt: skip


def _usable(subject: Subject, there: "NDArray[np.bool_]") -> "tuple[Rows, NDArray[np.uint8]]":
    """Rows whose pictures can be hashed, [m], and these in grey, [m, 64, 64], held once."""
    rows = subject.used[there[subject.used]]
    small = np.empty((len(rows), SMALL_SIDE, SMALL_SIDE), dtype=np.uint8)
    kept = [rows[:0]]
    filled = 0
    for some in batches(rows, _BATCH):
        shown = subject.small(some)
        usable = structured(shown)
        small[filled : filled + usable.sum()] = shown[usable]
        filled += int(usable.sum())
        kept.append(some[usable])
    return np.concatenate(kept), small[:filled]


def _told(subject: Subject, found: Sequence[Copy], what: str) -> list[Finding]:
    if not found:
        return []
    evidence: tuple[Evidence, ...] = tuple(
        {
            "sample": str(subject.ids[one.left]), "part": str(subject.parts[one.left]),
            "like": str(subject.ids[one.right]), "of part": str(subject.parts[one.right]),
            "labels": f"{subject.label(one.left)}, {subject.label(one.right)}",
            "the first": one.view, "correlation": round(one.correlation, 3),
        }
        for one in found[:SHOWN]
    )  # fmt: skip
    pictures = tuple((str(line["sample"]), str(line["like"])) for line in evidence[:_PICTURES])
    noun = "pair" if len(found) == 1 else "pairs"
    message = f"{len(found)} {noun} of nearly identical images {what}"
    return [Finding(_ID, "warning", message, evidence, pictures)]


_FINDS = "copies of an image across parts, or with two labels"
CHECK = Check(_ID, _FINDS, find, scope="images", by_label=False)
