"""Average precision of clustered rows: its value, its influence by group, and intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.confusion import Floats
from mmx.evaluation.jackknife import on_logit_scale
from mmx.evaluation.results import Interval

FEWEST_POSITIVE_GROUPS = 20  # of an interval; with fewer it misses too often (docs/benchmarks.md)
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Precision:
    """One label against its absence.

    Attributes:
        value: average precision, in (0, 1].
        influence: [G], centred; what each group adds to the estimate's error.
        positive_groups: groups that hold a positive row.
    """

    value: float
    influence: Floats
    positive_groups: int

    @property
    def interval(self) -> Interval:
        """With 95 % bounds, where enough groups hold a positive row and not all are on top."""
        enough = self.positive_groups >= FEWEST_POSITIVE_GROUPS
        return on_logit_scale(self.value, self.influence) if enough else Interval(self.value)


def average_precision(
    scores: Floats, positive: NDArray[np.bool_], member: Ints
) -> Precision | None:
    """Average precision: the mean over positive rows of the precision at their score.

    Rows of equal score are taken together. The influence of a group is the derivative with respect
    to the weight of its rows (infinitesimal jackknife), in closed form.

    Args:
        scores: [n].
        positive: [n].
        member: [n], the group of each row, in 0..G-1.

    Returns:
        None where there are no positives or no negatives.

    Source: Boyd et al. 2013, doi:10.1007/978-3-642-40994-3_29 (average precision, its interval on
        the logit scale); Efron 1982, The Jackknife (infinitesimal jackknife), over groups.
    """
    count = int(positive.sum())
    if not 0 < count < len(positive):
        return None
    level = np.unique(-scores, return_inverse=True)[1]  # 0: the highest score
    width = int(level.max()) + 1
    here = np.bincount(level, positive, width)  # positives of each level
    above = np.bincount(level, minlength=width).cumsum()  # rows of each level and of higher ones
    precision = here.cumsum() / above
    value = float((here * precision).sum() / count)
    # a row adds to the hits and the rows of all positives that stand at its level or below
    lift = (here / above)[::-1].cumsum()[::-1]
    cost = (here * precision / above)[::-1].cumsum()[::-1]
    each = positive * (precision[level] - value + lift[level]) - cost[level]
    groups = int(member.max()) + 1
    influence = np.bincount(member, each, groups) * groups / count
    own = int(np.unique(member[positive]).size)
    return Precision(value, influence - influence.mean(), own)


def mean_precision(found: Sequence[Precision]) -> Interval:
    """Mean of the average precisions of several labels.

    It has an interval where at least half of them could have one of their own: with rarer labels it
    would hold the truth in 84 to 92 % only.

    Args:
        found: at least one, over the same groups.
    """
    value = float(np.mean([one.value for one in found]))
    influence = np.mean([one.influence for one in found], axis=0)
    enough = np.median([one.positive_groups for one in found]) >= FEWEST_POSITIVE_GROUPS
    return on_logit_scale(value, influence) if enough else Interval(value)


def precision_value(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Average precision alone; NaN where there are no positives or no negatives."""
    found = average_precision(scores, positive, np.zeros(len(scores), dtype=np.int64))
    return math.nan if found is None else found.value
