"""Mean absolute error of ordered levels, each level counting alike, with its interval."""

import math

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.bounds import alignments, clopper_pearson
from mmx.evaluation.confusion import Floats
from mmx.evaluation.effective import clustered_shares
from mmx.evaluation.results import Interval

Ints = NDArray[np.int64]


def macro_absolute_error(
    answers: NDArray[np.int64], labels: Ints, member: Ints, levels: int
) -> Interval:
    """Mean over the levels that occur of the mean of |answer - level|, with its 95 % interval.

    |answer - level| counts the thresholds between two levels on whose wrong side the answer is. So
    the error of a level is a sum of shares, each with an exact interval at its effective n, put
    together by the method of variance estimates (MOVER).

    Args:
        answers: [n], in 0..C-1.
        labels: [n], in 0..C-1.
        member: [n], the group of each row, in 0..G-1.
        levels: C.

    Source: Baccianella et al. 2009, doi:10.1109/ISDA.2009.230 (the macro-averaged error).
    """
    return error_of_counts(*sides(answers, labels, member, levels), levels)


def error_of_counts(rows: Floats, wrong: Floats, levels: int) -> Interval:
    """The same from what ``sides`` counts; counts need not be whole.

    Args:
        rows: [G, C (C - 1)].
        wrong: [G, C (C - 1)].
        levels: C.
    """
    shares = clustered_shares(rows, wrong)
    here = shares.rows > 0
    count = int(here.sum()) // max(levels - 1, 1)
    share, residuals = shares.share[here], shares.residuals[:, here]
    low, high = (side[here] for side in clopper_pearson(shares.share, shares.effective))
    aligned = alignments(residuals)
    value = float(share.sum() / count)
    if count < 2:
        return Interval(value)
    down, up = (
        math.sqrt(max(float(side @ aligned @ side), 0.0)) / count
        for side in (share - low, high - share)
    )
    return Interval(value, max(value - down, 0.0), min(value + up, levels - 1.0))


def sides(
    answers: NDArray[np.int64], labels: Ints, member: Ints, levels: int
) -> tuple[Floats, Floats]:
    """[G, C (C - 1)] rows of each level, and those whose answer is beyond each threshold.

    Columns are level by level, and within it threshold by threshold.
    """
    groups, thresholds = int(member.max()) + 1, np.arange(levels - 1)
    wrong = (answers[:, None] > thresholds) != (labels[:, None] > thresholds)  # [n, C - 1]
    cells = member * levels + labels
    rows = np.bincount(cells, minlength=groups * levels).reshape(groups, levels)
    found = np.stack(
        [np.bincount(cells, of, groups * levels).reshape(groups, levels) for of in wrong.T], axis=2
    )
    repeated = np.repeat(rows, levels - 1, axis=1)
    return repeated.astype(np.float64), found.reshape(groups, -1).astype(np.float64)
