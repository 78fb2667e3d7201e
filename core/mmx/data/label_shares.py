"""Where a split could not give every part its share of a label."""

from collections.abc import Sequence
from dataclasses import dataclass

from mmx.data.split import Split
from mmx.data.whole_groups import UNUSED
from mmx.interfaces import Strata
from mmx.spec import PARTS

POINTS = 0.02  # by which the share of a label in a part may differ from its share in all parts


@dataclass(frozen=True, slots=True)
class UnevenShare:
    """A label that is more or less frequent in a part than in all parts together.

    Attributes:
        label: its name.
        part: of the split.
        share: of the known rows of the part that have the label, in [0, 1].
        overall: the same of all parts.
    """

    label: str
    part: str
    share: float
    overall: float


def uneven_shares(strata: Sequence[Strata], split: Split) -> tuple[UnevenShare, ...]:
    """Labels whose share differs by more than two points, the furthest first.

    Of one class a row there is nothing to tell here: the report counts its classes by part.

    Args:
        strata: of the task; those of several labels have names, and their last class is the one
            that a label has.
        split: the part of each row.
    """
    found = [each for one in strata if one.name for each in _uneven(one, split)]
    return tuple(sorted(found, key=lambda one: -abs(one.share - one.overall)))


def _uneven(strata: Strata, split: Split) -> list[UnevenShare]:
    known, present = strata.labels >= 0, strata.labels == len(strata.classes) - 1
    used = known & (split.parts != UNUSED)
    if not used.any():
        return []
    overall = float(present[used].mean())
    shares = {
        part: float(present[rows].mean())
        for part in PARTS
        if (rows := known & (split.parts == part)).any()
    }
    return [
        UnevenShare(strata.name, part, share, overall)
        for part, share in shares.items()
        if abs(share - overall) > POINTS
    ]
