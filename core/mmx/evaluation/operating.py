"""Sensitivity and specificity of several labels at thresholds that were chosen before."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.bounds import jeffreys
from mmx.evaluation.confusion import Floats
from mmx.evaluation.effective import ClusteredShares, clustered_shares
from mmx.evaluation.label_results import OperatingPoint
from mmx.evaluation.results import Interval
from mmx.evaluation.shares import FEWEST_GROUPS

Ints = NDArray[np.int64]


def operating_points(
    probs: Floats, target: Ints, member: Ints, thresholds: Mapping[str, Sequence[float]]
) -> list[tuple[OperatingPoint, ...]]:
    """Of each label, one point for each rule of thresholds.

    Both are shares at a fixed threshold, with Jeffreys' interval at the effective n; one
    correlation is estimated for all labels, so that a label that is all right borrows it.

    Args:
        probs: [n, L], of each label being present.
        target: [n, L] in {0, 1, -1}.
        member: [n], in 0..G-1.
        thresholds: by rule, one for each label.
    """
    by_rule = [
        _points(rule, np.asarray(chosen, dtype=np.float64), probs, target, member)
        for rule, chosen in thresholds.items()
    ]
    return [tuple(of[label] for of in by_rule) for label in range(target.shape[1])]


def _points(
    rule: str, thresholds: Floats, probs: Floats, target: Ints, member: Ints
) -> list[OperatingPoint]:
    called = probs >= thresholds
    found = _intervals(_shares(member, target == 1, called))
    missed = _intervals(_shares(member, target == 0, ~called))
    return [
        OperatingPoint(rule, *one) for one in zip(thresholds.tolist(), found, missed, strict=True)
    ]


def _shares(member: Ints, about: NDArray[np.bool_], right: NDArray[np.bool_]) -> ClusteredShares:
    """Of the rows that each label is about, those that are right."""
    return clustered_shares(_by_group(member, about), _by_group(member, about & right))


def _by_group(member: Ints, cells: NDArray[np.bool_]) -> Floats:
    """[G, L], how many of the cells [n, L] each group holds."""
    sums = np.zeros((int(member.max()) + 1, cells.shape[1]))
    np.add.at(sums, member, cells)
    return sums


def _intervals(shares: ClusteredShares) -> list[Interval]:
    low, high = jeffreys(shares.share, shares.effective)
    few = shares.groups < FEWEST_GROUPS
    low, high = np.where(few, np.nan, low), np.where(few, np.nan, high)
    return [Interval(*row) for row in np.stack([shares.share, low, high], axis=1).tolist()]
