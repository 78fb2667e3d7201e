"""Quadratic-weighted kappa of clustered rows: agreement of ordered levels beyond chance."""

import math

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.confusion import Floats
from mmx.evaluation.counts import group_sums
from mmx.evaluation.jackknife import t_quantile
from mmx.evaluation.results import Interval

Ints = NDArray[np.int64]


def quadratic_kappa(answers: NDArray[np.int64], labels: Ints, member: Ints) -> Interval:
    """1 - sum w O / sum w E with w = (i - j)^2, and its 95 % interval.

    The interval is made on the scale of atanh(kappa), so that it stays between -1 and 1; there is
    none where no answer is wrong, or where labels and answers are of one level.

    Args:
        answers: [n], in 0..C-1.
        labels: [n], in 0..C-1.
        member: [n], the group of each row, in 0..G-1.

    Source: Cohen 1968, doi:10.1037/h0026256; as a ratio of moments, Schuster 2004,
        doi:10.1177/0013164403260197; jackknife over groups with Satterthwaite's degrees of freedom.
    """
    return interval_of_kappa(*kappa_of(moments(answers, labels, member)))


def interval_of_kappa(value: float, influence: Floats) -> Interval:
    """Kappa with its 95 % interval, from the influence [G] of each group."""
    groups = len(influence)
    if groups < 2 or not -1 < value < 1:
        return Interval(value)
    spread = math.sqrt((influence**2).sum() / (groups * (groups - 1)))
    half = t_quantile(influence) * spread / (1 - value**2)
    if not half > 0:
        return Interval(value)
    middle = math.atanh(value)
    return Interval(value, math.tanh(middle - half), math.tanh(middle + half))


def moments(answers: NDArray[np.int64], labels: Ints, member: Ints) -> Floats:
    """[G, 6]: rows, and sums over them of a, y, a^2, y^2 and (a - y)^2."""
    a, y = answers.astype(np.float64), labels.astype(np.float64)
    columns = (np.ones_like(a), a, y, a**2, y**2, (a - y) ** 2)
    return np.stack([group_sums(member, one) for one in columns], axis=1)


def kappa_of(sums: Floats) -> tuple[float, Floats]:
    """Kappa, and the centred influence [G] of leaving out each group.

    Args:
        sums: [G, 6], of ``moments``.
    """
    whole = sums.sum(axis=0)
    value, groups = float(kappas(whole)), len(sums)
    if groups < 2 or not math.isfinite(value):
        return value, np.zeros(groups)
    without = kappas(whole - sums)
    # a group without which all is of one level: its influence is unknown, and told by the others
    influence = np.nan_to_num((groups - 1) * (value - without))
    return value, influence - influence.mean()


def kappas(sums: Floats) -> Floats:
    """Kappa [...] of sums [..., 6]; NaN where labels and answers are of one level."""
    rows, a, y, aa, yy, apart = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = aa + yy - 2 * a * y / rows
        kappa: Floats = np.where(expected > 1e-9, 1 - apart / expected, np.nan)
    return kappa
