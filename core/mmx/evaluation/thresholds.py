"""Thresholds of probabilities, chosen on validation: Youden's, and one for a sensitivity."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.confusion import Floats

SENSITIVITY = 0.95  # of the second rule
NEUTRAL = 0.5  # where a label has no rows to choose by


def youden(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """The threshold with the largest sensitivity + specificity - 1; rows at it are called positive.

    Where several are as good, the largest. Without rows of both kinds: 0.5.

    Args:
        scores: [n], in [0, 1].
        positive: [n].

    Source: Youden 1950, doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3.
    """
    if not 0 < positive.sum() < len(positive):
        return NEUTRAL
    steps, hits, alarms = _called(scores, positive)
    return float(steps[(hits - alarms).argmax()])


def for_sensitivity(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """The largest threshold at which at least 95 % of the positive rows are called so.

    It is a share of these rows and no promise: on others it is below 95 % about as often as above.
    Without a positive row: 0.5.

    Args:
        scores: [n], in [0, 1].
        positive: [n].
    """
    if not positive.any():
        return NEUTRAL
    steps, hits, _ = _called(scores, positive)
    return float(steps[(hits >= SENSITIVITY - 1e-12).argmax()])


RULES: Mapping[str, Callable[[Floats, NDArray[np.bool_]], float]] = {
    "youden": youden,
    "sensitivity_95": for_sensitivity,
}
"""Name -> rule that chooses the threshold of a label from probabilities and truth."""


def _called(scores: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Thresholds from high to low, and the shares of positives and of negatives called positive."""
    steps, index = np.unique(-scores, return_inverse=True)
    hits = np.bincount(index, positive, len(steps)).cumsum() / max(positive.sum(), 1)
    alarms = np.bincount(index, ~positive, len(steps)).cumsum() / max((~positive).sum(), 1)
    return -steps, hits, alarms


def choose_thresholds(
    probs: Floats, target: NDArray[np.int64], rule: str = "youden"
) -> tuple[float, ...]:
    """A threshold for each label, from its known rows.

    Args:
        probs: [n, L], of each label being present.
        target: [n, L] in {0, 1, -1}, -1 for unknown.
        rule: youden, or sensitivity_95.
    """
    choose = RULES[rule]
    known = target >= 0
    return tuple(
        choose(probs[known[:, label], label], target[known[:, label], label] == 1)
        for label in range(target.shape[1])
    )
