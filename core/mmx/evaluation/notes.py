"""What a reader has to know about the figures of an evaluation, in plain sentences."""

from collections.abc import Iterator, Sequence

import numpy as np

from mmx.evaluation.counts import GroupCounts
from mmx.evaluation.shares import FEWEST_GROUPS, ShareScores

FEW_GROUPS = 10  # of a class; a reader is told on how few it rests
LARGE_GROUP = 0.25  # of a class's rows; a rule of thumb


def reading_notes(
    classes: Sequence[str], counts: GroupCounts, shares: ShareScores
) -> Iterator[str]:
    """Sentences about classes that are missing, rest on few groups, or on one large group."""
    groups = (counts.true > 0).sum(axis=0).tolist()
    named = list(zip(classes, groups, strict=True))
    absent = [name for name, count in named if count == 0]
    if absent:
        yield f"no samples of {', '.join(absent)}: left out of every average over classes"
    if len(absent) == len(classes) - 1:
        yield (
            "all samples are of one class, so balanced accuracy, macro F1 and AUROC have no "
            "interval"
        )
    if len(counts.true) == 1:
        yield "all samples come from one group, so the intervals say next to nothing of others"
    few = [f"{name} rests on {n}" for name, n in named if FEWEST_GROUPS <= n < FEW_GROUPS]
    if few:
        yield f"few groups of a class, so its interval is wide: {', '.join(few)} groups"
    yield from _without_interval(classes, counts)
    yield from _large_groups(classes, counts, shares)


def _without_interval(classes: Sequence[str], counts: GroupCounts) -> Iterator[str]:
    has = counts.true > 0
    groups = has.sum(axis=0)
    right = (has & (counts.hits == counts.true)).sum(axis=0)
    told = [
        f"{classes[c]} {right[c]} of {groups[c]}"
        for c in np.flatnonzero((groups > 0) & (groups < FEWEST_GROUPS)).tolist()
    ]
    if told:
        yield (
            f"a class of fewer than {FEWEST_GROUPS} groups has no interval of its own, and "
            "balanced accuracy allows for it; groups whose samples were all found: "
            f"{', '.join(told)}"
        )


def _large_groups(
    classes: Sequence[str], counts: GroupCounts, shares: ShareScores
) -> Iterator[str]:
    groups, largest = (counts.true > 0).sum(axis=0), shares.sensitivity.largest
    rows = counts.true.sum(axis=0)
    # with few groups one of them is always large, which the note above tells
    chosen = (groups >= FEW_GROUPS) & (np.nan_to_num(largest) > LARGE_GROUP)
    told = [
        f"{largest[c]:.0%} of {classes[c]} ({rows[c]:.0f})" for c in np.flatnonzero(chosen).tolist()
    ]
    if told:
        yield f"one group holds a large share of a class's samples: {', '.join(told)}"
