"""A mean loss of rows of several methods, compared by groups."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmx.errors import DataError
from mmx.evaluation.confusion import Floats
from mmx.evaluation.counts import group_sums
from mmx.evaluation.hidden import what_may_hide
from mmx.evaluation.jackknife import mean_loss
from mmx.evaluation.linear_score import Linear, LinearScore


def loss_score(
    losses: Mapping[str, Floats], groups: Sequence[str], *, most: float = math.inf
) -> LinearScore:
    """The mean over rows of a loss of each method; lower is better.

    Args:
        losses: by method, [S, n], >= 0, one row per training seed.
        groups: n names; rows of one group change places together.
        most: that a loss can be.

    Raises:
        DataError: shapes that do not fit.
    """
    given = {name: np.atleast_2d(np.asarray(of, dtype=np.float64)) for name, of in losses.items()}
    wrong = [name for name, of in given.items() if of.shape[1:] != (len(groups),)]
    if wrong:
        shapes = [given[name].shape for name in wrong]
        raise DataError(f"{len(groups)} groups need [seeds, {len(groups)}] losses, got {shapes}")
    member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1].astype(np.int64)
    rows = group_sums(member, np.ones(len(member)))
    largest = max(float(of.max()) for of in given.values())
    return LinearScore(
        {name: _linear(of, member, rows, most) for name, of in given.items()},
        rows / rows.sum(),
        largest * what_may_hide(np.array([len(rows)], dtype=np.float64)),
        most=most,
        lower_is_better=True,
    )


def _linear(losses: Floats, member: NDArray[np.int64], rows: Floats, most: float) -> Linear:
    sums = np.stack([group_sums(member, of) for of in losses])  # [S, G]
    value = losses.mean(axis=1)
    influence = (sums - value[:, None] * rows) * (len(rows) / rows.sum())
    intervals = [mean_loss(of, rows, most=most) for of in sums]
    return Linear(value, influence, np.array([[one.low, one.high] for one in intervals]))
