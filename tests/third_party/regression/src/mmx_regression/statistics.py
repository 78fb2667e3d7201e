"""Mean absolute error, R2 and Spearman's correlation of answers, with intervals over groups."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import atanh, exp, tanh
from typing import Any

import numpy as np
from mmx.evaluation import (
    Linear,
    LinearScore,
    interval_of_influence,
    leave_group_out,
    loss_score,
    mean_of_losses,
)
from mmx.interfaces import Interval, Score
from numpy.typing import NDArray
from scipy.stats import rankdata

Numbers = NDArray[np.float64]
MOST = {"r2": float("inf"), "spearman": 2.0}  # that two methods can differ


def r2(answers: Numbers, target: Numbers) -> float:
    """1 - squared errors over squared deviations from the mean of these rows, at most 1."""
    spread = ((target - target.mean()) ** 2).sum()
    return float(1 - ((answers - target) ** 2).sum() / spread) if spread > 0 else 0.0


def spearman(answers: Numbers, target: Numbers) -> float:
    """Correlation of ranks, ties sharing theirs; 0 where all answers are the same."""
    ranks = np.stack([rankdata(answers), rankdata(target)])
    if not ranks.std(axis=1).all():
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])


STATISTICS: Mapping[str, Callable[[Numbers, Numbers], float]] = {"r2": r2, "spearman": spearman}


def interval(name: str, value: float, influence: Numbers) -> Interval:
    """95 % over groups: R2 on the scale of log(1 - R2), Spearman's on that of atanh (Fisher's z)."""
    if name == "r2":
        rest = 1 - value
        if rest <= 0:
            return Interval(value)
        return interval_of_influence(
            value, influence, 1 / rest, back=lambda gap: 1 - rest * exp(gap)
        )
    if not -1 < value < 1:
        return Interval(value)
    slope = 1 / (1 - value**2)
    return interval_of_influence(value, influence, slope, back=lambda gap: tanh(atanh(value) + gap))


def intervals(answers: Numbers, target: Numbers, groups: Sequence[str]) -> dict[str, Interval]:
    """All three of one set of answers [n]."""
    found = {"mean_absolute_error": mean_of_losses(np.abs(answers - target), groups)}
    for name, statistic in STATISTICS.items():
        value, influence = _influence(statistic, answers, target, groups)
        found[name] = interval(name, value, influence)
    return found


def scores(
    answers: Mapping[str, Numbers], target: Numbers, groups: Sequence[str], metrics: Sequence[str]
) -> dict[str, Score]:
    """Each metric of all methods, whose answers are [S, n]."""
    found: dict[str, Score] = {}
    for name in metrics:
        if name == "r2" and np.ptp(target) > 0:
            found[name] = _r2_score(answers, target, groups)
        elif name in STATISTICS:
            found[name] = _linear_score(name, answers, target, groups)
        else:
            gaps = {method: np.abs(of - target) for method, of in answers.items()}
            found[name] = loss_score(gaps, groups)
    return found


def _linear_score(
    name: str, answers: Mapping[str, Numbers], target: Numbers, groups: Sequence[str]
) -> LinearScore:
    rows = np.unique(np.asarray(groups, dtype=str), return_counts=True)[1]
    methods = {
        method: _linear(name, [_influence(STATISTICS[name], one, target, groups) for one in of])
        for method, of in answers.items()
    }
    return LinearScore(methods, rows / rows.sum(), most=MOST[name])


def _r2_score(
    answers: Mapping[str, Numbers], target: Numbers, groups: Sequence[str]
) -> LinearScore:
    """R2 of methods on the same rows, which share the spread of what is true.

    So a difference of R2 is a sum over groups, and its share of a group is that of the spread:
    exchanged groups give exactly the difference of the exchanged answers. Influences of left-out
    groups do not where numbers have a long tail: one group holds much of the spread there.
    """
    member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1].ravel()
    spread = np.bincount(member, (target - target.mean()) ** 2)
    shares = spread / spread.sum()
    methods = {}
    for method, of in answers.items():
        told = _linear("r2", [_influence(r2, one, target, groups) for one in of])
        missed = [np.bincount(member, (one - target) ** 2) / spread.sum() for one in of]
        rest = (1 - told.value)[:, None] * shares
        methods[method] = replace(told, influence=len(shares) * (rest - np.stack(missed)))
    return LinearScore(methods, shares, most=MOST["r2"])


def _linear(name: str, seeds: Sequence[tuple[float, Numbers]]) -> Linear:
    bounds = [interval(name, value, influence) for value, influence in seeds]
    return Linear(
        np.array([value for value, _ in seeds]),
        np.stack([influence for _, influence in seeds]),
        np.array([[one.low, one.high] for one in bounds]),
    )


def _influence(
    statistic: Callable[[Numbers, Numbers], float], answers: Numbers, target: Numbers,
    groups: Sequence[str],
) -> tuple[float, Any]:  # fmt: skip
    return leave_group_out(lambda rows: statistic(answers[rows], target[rows]), groups)
