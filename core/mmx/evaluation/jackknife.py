"""Intervals of means over clustered rows: losses, and confidence minus accuracy."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from mmx.evaluation.bounds import jeffreys
from mmx.evaluation.confusion import Floats
from mmx.evaluation.counts import group_sums
from mmx.evaluation.effective import clustered_shares
from mmx.evaluation.results import Interval

LEAST_FREEDOM = 2.0  # of Student's t, however few groups carry the spread


def mean_loss(sums: Floats, rows: Floats, *, most: float = math.inf) -> Interval:
    """A mean loss per row with its interval on the logarithmic scale, so that it stays positive.

    Args:
        sums: [G], of the loss over the rows of each group, >= 0.
        rows: [G], > 0.
        most: that a loss can be; the interval is cut there.

    Returns:
        Without bounds where there is one group, or no spread to judge by.

    Source: Efron and Stein 1981 (jackknife), over groups; Satterthwaite's degrees of freedom.
    """
    value, groups = float(sums.sum() / rows.sum()), len(rows)
    if groups < 2 or value <= 0:
        return Interval(value)
    without = (sums.sum() - sums) / (rows.sum() - rows)
    influence = (groups - 1) * (value - without)
    influence -= influence.mean()
    half = t_quantile(influence) * math.sqrt((influence**2).sum() / (groups * (groups - 1))) / value
    if not half > 0:
        return Interval(value)
    # beyond e^700 a float ends
    high = value * math.exp(min(half, 700.0))
    return Interval(value, value * math.exp(-half), min(high, most))


def mean_of_losses(losses: Floats, groups: Sequence[str], *, most: float = math.inf) -> Interval:
    """A mean loss per row with an interval that allows for groups of rows; see ``mean_loss``.

    Args:
        losses: [n], >= 0.
        groups: n names.
        most: that a loss can be.
    """
    member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1].astype(np.int64)
    rows = group_sums(member, np.ones(len(losses)))
    return mean_loss(group_sums(member, losses), rows, most=most)


def leave_group_out(
    statistic: Callable[[NDArray[np.int64]], float], groups: Sequence[str]
) -> tuple[float, Floats]:
    """A statistic of rows, and what each group adds to its error.

    Args:
        statistic: of rows, given by their places among the n; a group's rows come and go together.
        groups: n names, of at least two groups.

    Returns:
        Its value on all rows, and [G] influences, centred: the variance of the value is about
        their sum of squares over G (G - 1).

    Source: Efron and Stein 1981, The jackknife estimate of variance, doi:10.1214/aos/1176345462.
    """
    member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1].ravel()
    many, rows = int(member.max()) + 1, np.arange(len(member))
    value = statistic(rows)
    without = np.array([statistic(rows[member != group]) for group in range(many)])
    influence: Floats = (many - 1) * (without.mean() - without)
    return value, influence


def interval_of_influence(
    value: float, influence: Floats, slope: float = 1.0, *,
    back: Callable[[float], float] | None = None,
) -> Interval:  # fmt: skip
    """A value with 95 % bounds by Student's t, on a scale on which it is nearly symmetric.

    Args:
        value: on its own scale.
        influence: [G], as ``leave_group_out`` gives it.
        slope: derivative of the other scale at the value, not 0.
        back: from half a width on the other scale, with its sign, to a bound on the own one; None:
            the scales are one.

    Returns:
        Without bounds where there is one group, or none has any influence.
    """
    groups = len(influence)
    if groups < 2:
        return Interval(value)
    spread = math.sqrt((influence**2).sum() / (groups * (groups - 1)))
    half = t_quantile(influence) * spread * abs(slope)
    if not half > 0:
        return Interval(value)
    low, high = ((back or (lambda gap: value + gap))(side * half) for side in (-1, 1))
    return Interval(value, min(low, high), max(low, high))


def confidence_gap(confidence: Floats, right: Floats, rows: Floats) -> Interval:
    """Mean confidence minus accuracy: above 0 the model is too sure of itself.

    Where all answers are right, or all wrong, the spread between groups says nothing of the
    accuracy, so that its own interval at the effective n is added.

    Args:
        confidence: [G], sum over the rows of each group.
        right: [G], right answers of each group.
        rows: [G], > 0.

    Source: linearised ratio over groups with Satterthwaite's degrees of freedom.
    """
    total, groups = rows.sum(), len(rows)
    value = float((confidence - right).sum() / total)
    if groups < 2:
        return Interval(value)
    residuals = confidence - right - value * rows
    spread = math.sqrt(groups / (groups - 1) * (residuals**2).sum()) / float(total)
    half = t_quantile(residuals) * spread
    accuracy = clustered_shares(rows[:, None], right[:, None])
    if 0 < accuracy.share[0] < 1:
        return Interval(value, value - half, value + half)
    low, high = (float(side[0]) for side in jeffreys(accuracy.share, accuracy.effective))
    share = float(accuracy.share[0])
    down, up = math.hypot(half, high - share), math.hypot(half, share - low)
    return Interval(value, max(value - down, -1.0), min(value + up, 1.0))


def t_quantile(influence: Floats) -> float:
    """The 97.5 % quantile of Student's t for as many degrees of freedom as the groups are worth."""
    fourth = (influence**4).sum()
    worth = (influence**2).sum() ** 2 / fourth if fourth > 0 else math.inf
    return float(stdtrit(max(worth - 1, LEAST_FREEDOM), 0.975))


def on_logit_scale(value: float, influence: Floats) -> Interval:
    """A score in [0, 1] with 95 % bounds from Student's t on the logit scale.

    Args:
        value: of the score.
        influence: [G], centred; what each group adds to the estimate's error.

    Returns:
        Without bounds where there is one group, at 0 and 1, and where no group has any influence.
    """
    groups = len(influence)
    if groups < 2 or not 0 < value < 1:
        return Interval(value)
    spread = math.sqrt((influence**2).sum() / (groups * (groups - 1)))
    half = t_quantile(influence) * spread / (value * (1 - value))
    if not half > 0:
        return Interval(value)
    middle = math.log(value / (1 - value))
    low, high = (1 / (1 + math.exp(-min(max(middle + s * half, -700), 700))) for s in (-1, 1))
    return Interval(value, low, high)
