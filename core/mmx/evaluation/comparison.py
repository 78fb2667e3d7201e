"""Whether methods differ: paired differences with groups and training seeds both at random."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmx.errors import DataError
from mmx.evaluation.bootstrap import percentile_interval
from mmx.evaluation.confusion import Floats
from mmx.evaluation.paired import METRICS, Resampled, resample
from mmx.evaluation.pvalues import McNemar, floor, holm, mcnemar, two_sided
from mmx.evaluation.results import Interval

LEVEL, POWER = 0.05, 0.8
BETTER, WORSE, SAME = "better", "worse", "not distinguishable"
FEWEST, PER_COMPARISON = 2000, 400  # resamples; the floor of p stays a tenth of LEVEL after Holm
DEFAULT_METRIC = METRICS[0]


@dataclass(frozen=True, slots=True)
class Contrast:
    """One method against another, on the same test rows.

    Attributes:
        method: its name.
        against: what it is held against: the base, or the method named for it.
        metric: what is compared.
        difference: method minus the other, means over the seeds; 95 %, over groups and seeds.
        p: two-sided, never below the floor of the resampling.
        corrected: the same after Holm's correction over all contrasts.
        verdict: better, worse or not distinguishable, by ``corrected``.
        detectable: the smallest difference that would be found with 80 % power.
        conditional: no method has a second seed: the interval holds for these training runs alone.
        pairs: McNemar's test for each pair of runs, in the order of the seeds.
    """

    method: str
    against: str
    metric: str
    difference: Interval
    p: float
    corrected: float
    verdict: str
    detectable: float
    conditional: bool
    pairs: tuple[McNemar, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All methods against the base.

    Attributes:
        base: name of the method that the others are held against.
        scores: by metric and method: mean over its seeds; 95 % over groups, for these runs.
        by_seed: by metric and method, one value for each seed.
        contrasts: by metric, one per method that is not the base.
        resamples: kept draws.
        redrawn: draws that lacked a class.
        floor: the smallest p-value before correction.
        seed: of the draws.
    """

    base: str
    scores: Mapping[str, Mapping[str, Interval]]
    by_seed: Mapping[str, Mapping[str, tuple[float, ...]]]
    contrasts: Mapping[str, tuple[Contrast, ...]]
    resamples: int
    redrawn: int
    floor: float
    seed: int


def compare(
    predicted: Mapping[str, NDArray[Any]],
    labels: NDArray[Any],
    groups: Sequence[str],
    classes: int,
    *,
    base: str,
    against: Mapping[str, str] | None = None,
    fixed: Iterable[str] = (),
    metrics: Sequence[str] = METRICS,
    resamples: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare methods with a base on the same test rows.

    Groups are drawn with replacement, the same for all methods. Crossed with them, the mean over
    seeds is redrawn around its value with the variance between seeds of the two methods, which is
    itself drawn, for two or three seeds hardly tell it; what the drawn groups contribute to that
    variance already is taken off. Resampling the seeds themselves covers too rarely with few of
    them, and too often when they do not matter (decision 0020).

    Args:
        predicted: by method, [S, n] classes in 0..C-1, one row per training seed.
        labels: [n], true classes in 0..C-1.
        groups: n names; rows of one group are drawn together.
        classes: C.
        base: a key of ``predicted``.
        against: method -> another key of ``predicted`` that it is held against, not the base.
        fixed: methods that no seed changes, such as the majority class.
        metrics: of balanced_accuracy, macro_f1 and accuracy.
        resamples: how many draws; None: 2,000, or 400 per contrast if that is more.
        seed: of the draws.

    Raises:
        DataError: shapes that do not fit, too few resamples, or an unknown method or metric.

    Source: Owen 2007, doi:10.1214/07-AOAS122 (crossed resampling); Weerahandi 1993 (variances
        drawn from their generalised pivots); Holm 1979.
    """
    pairs = _pairs(list(predicted), base, against or {}, metrics)
    wanted = resamples or max(FEWEST, PER_COMPARISON * (len(predicted) - 1))
    found = resample(predicted, labels, groups, classes, resamples=wanted, seed=seed)
    if found.kept < min(wanted, 100):
        raise DataError(
            f"only {found.kept} of {wanted} resamples hold every class: some class rests on one "
            "or two groups; use a larger test part"
        )
    return Comparison(
        base,
        {metric: _intervals(found.observed[metric], found.draws[metric]) for metric in metrics},
        {
            metric: {name: tuple(map(float, of)) for name, of in found.observed[metric].items()}
            for metric in metrics
        },
        {metric: _contrasts(found, pairs, metric, set(fixed), seed) for metric in metrics},
        found.kept,
        found.redrawn,
        floor(found.kept),
        seed,
    )


def _pairs(
    methods: Sequence[str], base: str, against: Mapping[str, str], metrics: Sequence[str]
) -> dict[str, str]:
    """Method -> what it is held against; refuses names that are not there."""
    named = [base, *against, *against.values()]
    unknown = [*(n for n in named if n not in methods), *(m for m in metrics if m not in METRICS)]
    if unknown:
        known = ", ".join([*methods, *METRICS])
        raise DataError(f"there is no {unknown[0]!r} to compare with; known are {known}")
    if base in against:
        raise DataError(f"{base!r} is the base, so it cannot be held against another method")
    return {name: against.get(name, base) for name in methods if name != base}


def verdict(value: float, corrected: float, level: float = LEVEL) -> str:
    """The words for a difference and its corrected p-value."""
    if not corrected <= level or value == 0:
        return SAME
    return BETTER if value > 0 else WORSE


def detectable(interval: Interval, contrasts: int = 1) -> float:
    """The smallest true difference that would be found in 4 of 5 repetitions.

    Args:
        interval: 95 %, of the difference; half its width stands for 1.96 standard errors.
        contrasts: how many are corrected for; the most careful step of Holm is asked for.
    """
    from scipy.stats import norm  # type: ignore[import-untyped]

    error = (interval.high - interval.low) / 2 / norm.ppf(1 - LEVEL / 2)
    return float((norm.ppf(1 - LEVEL / 2 / contrasts) + norm.ppf(POWER)) * error)


def _intervals(observed: Mapping[str, Floats], draws: Mapping[str, Floats]) -> dict[str, Interval]:
    return {name: _interval(observed[name].mean(), draws[name].mean(axis=1)) for name in observed}


def _interval(value: float, draws: Floats) -> Interval:
    low, high = percentile_interval(draws[:, None])
    return Interval(float(value), float(low[0]), float(high[0]))


def _contrasts(
    found: Resampled, pairs: Mapping[str, str], metric: str, fixed: set[str], seed: int
) -> tuple[Contrast, ...]:
    raw = [_contrast(found, name, other, metric, fixed, seed) for name, other in pairs.items()]
    corrected = holm([one.p for one in raw])
    return tuple(
        replace(
            one,
            corrected=p,
            verdict=verdict(one.difference.value, p),
            detectable=detectable(one.difference, len(raw)),
        )
        for one, p in zip(raw, corrected, strict=True)
    )


def _contrast(
    found: Resampled, name: str, other: str, metric: str, fixed: set[str], seed: int
) -> Contrast:
    observed = [found.observed[metric][one] for one in (name, other)]
    drawn = [found.draws[metric][one] for one in (name, other)]
    moving = [one not in fixed for one in (name, other)]
    generator = np.random.default_rng([seed, 1])
    shift = seed_draws(observed, drawn, moving, generator)
    value = float(observed[0].mean() - observed[1].mean())
    differences = drawn[0].mean(axis=1) - drawn[1].mean(axis=1) + shift
    p = two_sided(differences)
    conditional = any(moving) and _freedom(observed, moving) == 0
    ours, theirs = found.right[name], found.right[other]
    pairs = tuple(mcnemar(a, b) for a, b in zip(ours, theirs, strict=False))
    interval = _interval(value, differences)
    return Contrast(name, other, metric, interval, p, p, SAME, math.nan, conditional, pairs)


def _freedom(observed: Sequence[Floats], moving: Sequence[bool]) -> int:
    return sum(len(values) - 1 for values, moves in zip(observed, moving, strict=True) if moves)


def seed_draws(
    observed: Sequence[Floats],
    drawn: Sequence[Floats],
    moving: Sequence[bool],
    generator: np.random.Generator,
) -> Floats:
    """How far other training seeds would shift the difference of two means, R times.

    The variance between seeds is one for both methods (as in the two-sample t-test). The observed
    one holds the seeds' main effect and their interplay with the groups; the latter varies with
    the drawn groups already, so it is taken off. The result is 0 where there is no second seed.

    Args:
        observed: two arrays [S], a score by seed.
        drawn: two arrays [R, S], the same under drawn groups.
        moving: which of the two methods depends on a seed at all.
        generator: of the draws.

    Returns:
        [R].
    """
    used = [pair for pair, moves in zip(zip(observed, drawn, strict=True), moving, strict=True)
            if moves]  # fmt: skip
    freedom, resamples = _freedom(observed, moving), len(drawn[0])
    if freedom == 0:
        return np.zeros(resamples)
    between = sum(float(((one - one.mean()) ** 2).sum()) for one, _ in used)
    centred = [of - of.mean(axis=1, keepdims=True) for _, of in used]
    interplay = sum(float(one.var(axis=0).sum()) for one in centred) / freedom
    variance = np.maximum(between / generator.chisquare(freedom, resamples) - interplay, 0)
    means = sum(1 / len(one) for one, _ in used)
    shift: Floats = np.sqrt(variance * means) * generator.standard_normal(resamples)
    return shift
