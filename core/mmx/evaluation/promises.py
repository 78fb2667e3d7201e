"""Shares over rows and over groups with their intervals, for what inference hooks promise."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmx.evaluation.bounds import clopper_pearson, jeffreys
from mmx.evaluation.confusion import Floats
from mmx.evaluation.counts import by_group
from mmx.evaluation.effective import ClusteredShares, clustered_shares
from mmx.evaluation.results import Interval
from mmx.evaluation.shares import FEWEST_GROUPS, single_share

NONE = Interval(np.nan)


def share_of_rows(right: ArrayLike, groups: Sequence[str]) -> Interval:
    """The share of right rows, with a 95 % interval that allows for groups of rows.

    Args:
        right: [n], whether each row is right; n = 0 gives NaN.
        groups: n names.
    """
    values = np.asarray(right, dtype=np.float64)
    return single_share(_shares(values, groups)) if len(values) else NONE


def share_of_groups(right: ArrayLike, groups: Sequence[str]) -> Interval:
    """The mean over groups of each group's share of right rows, with its 95 % interval.

    Args:
        right: [n], whether each row is right; n = 0 gives NaN.
        groups: n names.
    """
    values = np.asarray(right, dtype=np.float64)
    if not len(values):
        return NONE
    rows, found = _counts(values, groups)
    return single_share(clustered_shares(np.ones_like(rows), found / rows))


def shares_of_classes(
    right: ArrayLike, labels: ArrayLike, groups: Sequence[str], level: float = 0.95
) -> dict[int, Interval]:
    """The share of right rows of each class that occurs, for one row drawn from each group.

    A row weighs 1 over the rows of its group, so a group of one class counts once, and one of
    several classes is divided among them.

    Args:
        right: [n], whether each row is right.
        labels: [n], in 0..C-1.
        groups: n names.
        level: of the intervals; a class of fewer than three groups has none.
    """
    values, classes = np.asarray(right, dtype=np.float64), np.asarray(labels)
    member = _member(groups)
    width = int(classes.max()) + 1
    rows = by_group(member, classes, np.ones(len(values)), width)
    found = by_group(member, classes, values, width)
    size = rows.sum(axis=1, keepdims=True)
    shares = clustered_shares(rows / size, found / size)
    low, high = jeffreys(shares.share, shares.effective, level)
    few = shares.groups < FEWEST_GROUPS
    low[few] = high[few] = np.nan
    return {
        int(c): Interval(float(shares.share[c]), float(low[c]), float(high[c]))
        for c in np.flatnonzero(shares.rows)
    }


def bound_of_share(
    right: ArrayLike, groups: Sequence[str], confidence: float
) -> tuple[float, float]:
    """An upper bound of a share that holds with some confidence, and the n* that it rests on.

    Args:
        right: [n], whether each row counts, n >= 1.
        groups: n names.
        confidence: in (0, 1), of the one-sided bound.

    Source: Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404, at the effective n.
    """
    shares = _shares(np.asarray(right, dtype=np.float64), groups)
    _, high = clopper_pearson(shares.share, shares.effective, 2 * confidence - 1)
    return float(high[0]), float(shares.effective[0])


def _shares(values: Floats, groups: Sequence[str]) -> ClusteredShares:
    return clustered_shares(*_counts(values, groups))


def _counts(values: Floats, groups: Sequence[str]) -> tuple[Floats, Floats]:
    """[G, 1] rows of each group, and the sum of their values."""
    member, one = _member(groups), np.zeros(len(values), dtype=np.int64)
    return by_group(member, one, np.ones(len(values)), 1), by_group(member, one, values, 1)


def _member(groups: Sequence[str]) -> NDArray[np.int64]:
    index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    return index.astype(np.int64)
