"""Whether methods differ: paired differences with groups and training seeds both at random."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmx.errors import DataError
from mmx.evaluation.class_scores import scores_of_classes
from mmx.evaluation.counted_rows import METRICS
from mmx.evaluation.flips import flip
from mmx.evaluation.pvalues import floor, holm
from mmx.evaluation.results import Interval
from mmx.evaluation.verdicts import detectable, enough_groups, judge
from mmx.interfaces import McNemar, Score

FEWEST, PER_COMPARISON = 4000, 400  # flips; the floor of p stays a tenth of 5 % after Holm
DEFAULT_METRIC = METRICS[0]


@dataclass(frozen=True, slots=True)
class Contrast:
    """One method against another, on the same test rows.

    Attributes:
        method: its name.
        against: what it is held against: the base, or the method named for it.
        metric: what is compared.
        difference: method minus the other, means over the seeds; 95 %, over groups and seeds.
        p: two-sided, never below the floor of the flips.
        corrected: the same after Holm's correction over all contrasts.
        family: the same after Holm's correction over all comparisons that read this test part, as
            far as they are known; ``corrected`` where no others are.
        comparisons: how many these are.
        verdict: in words, by ``family``.
        direction: 1 for better and -1 for worse where the verdict tells the two apart, else 0.
        detectable: the smallest difference that would be found with 80 % power.
        conditional: no method has a second seed: the interval holds for these training runs alone.
        silent: both have the same rows right in every group.
        groups: of the test part.
        pairs: McNemar's counts for each pair of runs, in the order of the seeds; a row of a group
            counts as a question of its own.
        lower_is_better: what is compared is an error.
        most: that two methods can differ; infinite where nothing bounds it.
    """

    method: str
    against: str
    metric: str
    difference: Interval
    p: float
    corrected: float
    family: float
    comparisons: int
    verdict: str
    direction: int
    detectable: float
    conditional: bool
    silent: bool
    groups: int
    pairs: tuple[McNemar, ...]
    lower_is_better: bool = False
    most: float = 1.0

    @property
    def few(self) -> bool:
        """Whether there are too few groups for any verdict."""
        return not enough_groups(self.groups, self.comparisons)

    def judged(
        self, family: float, comparisons: int, *, epochs: int | None = None, told: bool = True
    ) -> "Contrast":
        """The same contrast in a family of comparisons.

        Args:
            family: p, corrected over the family.
            comparisons: of the family.
            epochs: after which a curve was still rising; None: both had flattened.
            told: whether verdict words may be used at all.
        """
        found = judge(
            self.difference.value, family, conditional=self.conditional, epochs=epochs,
            enough=enough_groups(self.groups, comparisons), lower_is_better=self.lower_is_better,
        )  # fmt: skip
        return replace(
            self,
            family=family,
            comparisons=comparisons,
            verdict=found.words if told else "",
            direction=found.direction if told else 0,
            detectable=detectable(self.difference, self.groups, comparisons, self.most),
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """All methods against the base.

    Attributes:
        base: name of the method that the others are held against.
        scores: by metric and method: mean over its seeds; 95 % over groups, for these runs.
        by_seed: by metric and method, one value for each seed.
        contrasts: by metric, one per method that is not the base.
        flips: random sign flips of the groups.
        floor: the smallest p-value before correction.
        seed: of the flips.
    """

    base: str
    scores: Mapping[str, Mapping[str, Interval]]
    by_seed: Mapping[str, Mapping[str, tuple[float, ...]]]
    contrasts: Mapping[str, tuple[Contrast, ...]]
    flips: int
    floor: float
    seed: int


# parameters: keywords of a call that users of the library make, each what they may want to say
# length: most of it says what each of them means
def compare(
    predicted: Mapping[str, NDArray[np.int64]],
    labels: NDArray[np.int64],
    groups: Sequence[str],
    classes: int,
    *,
    base: str,
    against: Mapping[str, str] | None = None,
    only: Iterable[str] | None = None,
    fixed: Iterable[str] = (),
    metrics: Sequence[str] = METRICS,
    family: int = 0,
    flips: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare methods with a base on the same test rows.

    Groups change places between the two methods at random, the same for all methods; the interval
    is that test turned round. To each such difference a shift is added for other training seeds,
    whose variance is itself drawn, for two or three seeds hardly tell it, and lent by the other
    methods where there are enough of them. What groups and seeds have together is counted once.

    Args:
        predicted: by method, [S, n] classes in 0..C-1, one row per training seed.
        labels: [n], true classes in 0..C-1.
        groups: n names; rows of one group change places together.
        classes: C.
        base: a key of ``predicted``.
        against: method -> another key of ``predicted`` that it is held against, not the base.
        only: methods that are held against another and corrected for together; None: all others.
        fixed: methods that no seed changes, such as the majority class.
        metrics: of balanced_accuracy, macro_f1, accuracy, and of ordered levels quadratic_kappa
            and macro_absolute_error, where lower is better.
        family: comparisons that are corrected for together with these, if more than these.
        flips: how many; None: 4,000, or 400 per comparison if that is more.
        seed: of the flips.

    Raises:
        DataError: shapes that do not fit, or an unknown method or metric.

    Source: evaluation by sign flips, see ``flips``; Holm 1979; decision 0033.
    """
    return compare_scores(
        scores_of_classes(predicted, labels, groups, classes, metrics),
        base=base, against=against, only=only, fixed=fixed, family=family, flips=flips, seed=seed,
    )  # fmt: skip


# parameters: keywords of a call that users of the library make, each what they may want to say
# length: most of it says what each of them means
def compare_scores(
    scores: Mapping[str, Score],
    *,
    base: str,
    against: Mapping[str, str] | None = None,
    only: Iterable[str] | None = None,
    fixed: Iterable[str] = (),
    family: int = 0,
    flips: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare methods by scores that know what each group adds to them.

    Args:
        scores: by metric, at least one, all of the same methods.
        base: one of the methods.
        against: as in ``compare``; so are the others.
        only: methods that are corrected for together.
        fixed: methods that no seed changes.
        family: comparisons that are corrected for together with these.
        flips: how many.
        seed: of the flips.

    Raises:
        DataError: an unknown method.
    """
    methods = list(next(iter(scores.values())).methods)
    wanted = _pairs(methods, base, against or {})
    pairs = [pair for pair in wanted.items() if only is None or pair[0] in set(only)]
    many = flips or max(FEWEST, PER_COMPARISON * max(len(pairs), family))
    still = frozenset(fixed)
    return Comparison(
        base,
        {m: {name: score.interval(name) for name in methods} for m, score in scores.items()},
        {
            m: {name: tuple(map(float, score.by_seed(name))) for name in methods}
            for m, score in scores.items()
        },
        {m: _contrasts(m, score, pairs, still, many, seed) for m, score in scores.items()},
        many,
        floor(many),
        seed,
    )


def _pairs(methods: Sequence[str], base: str, against: Mapping[str, str]) -> dict[str, str]:
    """Method -> what it is held against; refuses names that are not there."""
    unknown = [name for name in (base, *against, *against.values()) if name not in methods]
    if unknown:
        known = ", ".join(methods)
        raise DataError(f"there is no {unknown[0]!r} to compare with; known are {known}")
    if base in against:
        raise DataError(f"{base!r} is the base, so it cannot be held against another method")
    return {name: against.get(name, base) for name in methods if name != base}


def _contrasts(
    metric: str, score: Score, pairs: list[tuple[str, str]], fixed: frozenset[str], flips: int,
    seed: int,
) -> tuple[Contrast, ...]:  # fmt: skip
    found = flip(score, pairs, fixed=fixed, flips=flips, seed=seed)
    corrected = holm(found.p.tolist())
    contrasts = []
    for index, (name, other) in enumerate(pairs):
        ends = (found.difference[index], found.low[index], found.high[index])
        moving = {name, other} - fixed
        plain = Contrast(
            name, other, metric, Interval(*map(float, ends)), float(found.p[index]),
            corrected[index], 1.0, 0, "", 0, 0.0,
            conditional=bool(moving) and not found.freedom[index],
            silent=bool(found.silent[index]),
            groups=score.groups,
            pairs=score.pairs(name, other), lower_is_better=score.lower_is_better,
            most=score.most,
        )  # fmt: skip
        contrasts.append(plain.judged(corrected[index], len(pairs)))
    return tuple(contrasts)
