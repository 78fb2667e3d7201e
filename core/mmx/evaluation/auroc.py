"""The area under the ROC curve of clustered rows: its value, its interval, and macro means."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.bounds import alignments, mover
from mmx.evaluation.confusion import Floats
from mmx.evaluation.jackknife import on_logit_scale
from mmx.evaluation.results import Interval

NORMAL = 1.959963984540054  # 97.5 % quantile
BISECTIONS = 60  # of [0, 1]: below the last digit of a double
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Area:
    """One class against the rest.

    Attributes:
        value: the area; ties count half.
        low: of the 95 % interval.
        high: of the 95 % interval.
        influence: [G], centred; what each group adds to the estimate's error.
        effective: [2], positives and negatives that independent rows would need for as much.
    """

    value: float
    low: float
    high: float
    influence: Floats
    effective: Floats


def area(scores: Floats, positive: NDArray[np.bool_], member: Ints) -> Area | None:
    """The area under the ROC curve with an interval for clustered rows.

    Args:
        scores: [n], of the class.
        positive: [n], rows that have the class.
        member: [n], the group of each row, in 0..G-1.

    Returns:
        None where there are no positives or no negatives.

    Source: Mann and Whitney 1947; Newcombe 2006, doi:10.1002/sim.2324 (method 5); the rows are
        weighed by a design effect from a jackknife over groups, as of Obuchowski 1997,
        doi:10.2307/2533958.
    """
    if not 0 < positive.sum() < len(positive):
        return None
    sides = [np.bincount(member, side) for side in (positive, ~positive)]
    of_group = np.stack(sides).astype(np.float64)  # [2, G]
    won = _won(scores, positive, member)
    value = float(won[0].sum() / np.prod(of_group.sum(axis=1)))
    influence, spread = _influence(won, of_group, value)
    sizes = _effective(of_group, value, spread)
    return Area(value, *newcombe(value, sizes), influence, sizes)


def area_value(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """The area alone; NaN where there are no positives or no negatives."""
    if not 0 < positive.sum() < len(positive):
        return float("nan")
    level = np.unique(scores, return_inverse=True)[1]
    won = _beaten(level[positive], np.sort(level[~positive]))
    return float(won.mean() / (len(positive) - positive.sum()))


def _won(scores: Floats, positive: NDArray[np.bool_], member: Ints) -> Floats:
    """[3, G]: pairs won by a group's positives, by all over its negatives, and inside the group."""
    level = np.unique(scores, return_inverse=True)[1]
    groups = int(member.max()) + 1
    above = _beaten(level[positive], np.sort(level[~positive]))
    below = _beaten(-level[~positive], np.sort(-level[positive]))
    width = int(level.max()) + 2
    keys = member * width + level
    inside = _beaten(keys[positive], np.sort(keys[~positive]))
    inside -= np.searchsorted(np.sort(member[~positive]), member[positive])  # other groups' keys
    sums = ((positive, above), (~positive, below), (positive, inside))
    each = [np.bincount(member[of], values, groups) for of, values in sums]
    return np.stack(each).astype(np.float64)


def _beaten(ours: Ints, theirs: Ints) -> Floats:
    """[len(ours)]: how many of theirs (sorted) each of ours exceeds, ties counting half."""
    left, right = (np.searchsorted(theirs, ours, side=side) for side in ("left", "right"))
    halves: Floats = (left + right) / 2
    return halves


def _influence(won: Floats, of_group: Floats, value: float) -> tuple[Floats, float]:
    """Centred influence [G] of leaving out each group, and the standard error; NaN if undefined."""
    groups = of_group.shape[1]
    left = of_group.sum(axis=1, keepdims=True) - of_group
    pairs = left[0] * left[1]
    if groups < 2 or (pairs == 0).any():  # a side rests on a single group
        return np.zeros(groups), np.nan
    without = (won[0].sum() - won[0] - won[1] + won[2]) / pairs
    influence = (groups - 1) * (value - without)
    influence -= influence.mean()
    return influence, float(np.sqrt((influence**2).sum() / (groups * (groups - 1))))


def _effective(of_group: Floats, value: float, spread: float) -> Floats:
    """[2], positives and negatives that independent rows would need for the same spread."""
    rows = of_group.sum(axis=1)
    kish = rows**2 / (of_group**2).sum(axis=1)
    design = rows / kish  # [2], >= 1: the largest design effect of either side
    single = _variance(value, rows)
    inflation = design[0] if np.isnan(spread) or single == 0 else spread**2 / single
    excess = design[0] - 1
    share = (np.clip(inflation, 1, design[0]) - 1) / excess if excess > 0 else 1.0
    errors = 4 * value * (1 - value) * kish[0]
    drawn = (share * errors + 1) / (errors + 1)
    effective: Floats = rows / (1 + drawn * (design - 1))
    return effective


def _variance(value: float | Floats, rows: Floats) -> Floats:
    """Of an area from independent positives and negatives ``rows`` [2]."""
    mean = (rows[0] + rows[1]) / 2 - 1
    shape = (1 - value) / (2 - value) + value / (1 + value)
    variance: Floats = value * (1 - value) * (1 + mean * shape) / (rows[0] * rows[1])
    return variance


def newcombe(value: float, rows: Floats) -> tuple[float, float]:
    """The 95 % interval of an area: where |value - a| is NORMAL standard errors of an area of a.

    Args:
        value: the area, in [0, 1].
        rows: [2], independent positives and negatives.
    """

    def crossing(end: float) -> float:
        outside, inside = end, value
        for _ in range(BISECTIONS):
            middle = (outside + inside) / 2
            beyond = abs(value - middle) > NORMAL * np.sqrt(_variance(middle, rows))
            outside, inside = (middle, inside) if beyond else (outside, middle)
        return (outside + inside) / 2

    low = crossing(0.0) if value > 0 else 0.0
    return low, crossing(1.0) if value < 1 else 1.0


def mean_area(areas: Sequence[Area]) -> Interval:
    """The mean of the areas of several classes, with interval.

    Args:
        areas: at least one, over the same groups.
    """
    value, low, high = np.array([[one.value, one.low, one.high] for one in areas]).T
    aligned = alignments(np.stack([one.influence for one in areas], axis=1))
    weights = np.full(len(areas), 1 / len(areas))
    return Interval(*map(float, mover(value, (low, high), weights, aligned)))


def mean_of_many(areas: Sequence[Area]) -> Interval:
    """The mean of the areas of many labels, on the logit scale with Student's t.

    The bounds of a rare label are far longer downwards than upwards, and the mean of many labels is
    nearly symmetric: from those bounds it would be too short upwards. A label that is ranked
    without a mistake has no spread; it adds what its own bounds say downwards.

    Args:
        areas: at least one, over the same groups.
    """
    value = float(np.mean([one.value for one in areas]))
    found = on_logit_scale(value, np.mean([one.influence for one in areas], axis=0))
    if not np.isfinite(found.low):
        return mean_area(areas)
    silent = [one.value - one.low for one in areas if not one.influence.any()]
    hidden = math.hypot(*silent) / len(areas)
    low = max(value - math.hypot(value - found.low, hidden), 0.0)
    return Interval(value, low, found.high)
