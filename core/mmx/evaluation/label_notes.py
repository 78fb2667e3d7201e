"""What a reader has to know about the figures of several labels, in plain sentences."""

from collections.abc import Iterator, Sequence

from mmx.evaluation.average_precision import FEWEST_POSITIVE_GROUPS
from mmx.evaluation.label_results import LabelScores
from mmx.evaluation.notes import FEW_GROUPS
from mmx.evaluation.shares import FEWEST_GROUPS


def label_notes(scores: Sequence[LabelScores], groups: int, unknown: int) -> Iterator[str]:
    """Sentences about labels that are left out, rest on few groups, or are unknown in places.

    Args:
        scores: of each label.
        groups: of all rows.
        unknown: cells of the scored rows in which a label is unknown.
    """
    left = [one for one in scores if not one.scored]
    if left:
        told = ", ".join(
            f"{one.name} ({one.positive_groups} with, {one.negative_groups} without)"
            for one in left
        )
        yield (
            f"fewer than {FEWEST_GROUPS} groups with the label or without it, so it is left out of "
            f"the means over labels and has no interval: {told}"
        )
    if groups == 1:
        yield "all samples come from one group, so the intervals say next to nothing of others"
    few = [
        f"{one.name} on {min(one.positive_groups, one.negative_groups)}"
        for one in scores
        if one.scored and min(one.positive_groups, one.negative_groups) < FEW_GROUPS
    ]
    if few:
        yield f"labels that rest on few groups, so their intervals are wide: {', '.join(few)}"
    bare = [one.name for one in scores if one.scored and not _bounded(one)]
    if bare:
        yield (
            "no interval of the average precision holds below "
            f"{FEWEST_POSITIVE_GROUPS} groups with the label or where all of them rank first: "
            f"{', '.join(bare)}"
        )
    if 2 * len(bare) > len([one for one in scores if one.scored]):
        yield "the mean of the average precision has none either: most labels are too rare for it"
    if unknown:
        yield f"{unknown} labels of these samples are unknown and in no score"


def _bounded(scores: LabelScores) -> bool:
    return scores.average_precision.low == scores.average_precision.low  # NaN is not itself
