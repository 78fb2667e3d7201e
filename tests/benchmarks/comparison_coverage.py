"""How often equal methods are told apart, and how often intervals of differences hold the truth.

Run ``python tests/benchmarks/comparison_coverage.py``: it prints the tables of docs/benchmarks.md,
ten minutes on one processor; a number behind it is the simulated studies of each line. Exit status
1 when equal methods are told apart in more than 5 % of the studies, or an interval holds the truth
in less than 95 %, by more than twice the Monte-Carlo error.

A study has a base and ten arms with S training seeds on the same rows of G groups, whose sizes are
heavy-tailed (floor of a Pareto number with exponent 1.5, 1 to 40). A row is right when a normal
number is below the quantile of its class's accuracy; the number is the sum of effects of the group
(half of it shared by all methods), of the row (half shared), of seed and row, and of the seed.
"""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from mmx.evaluation import Comparison, compare

ARMS = 10
WITHIN = 0.3  # correlation of the normal numbers within a group
POINTS = 0.35  # slope of the normal distribution function where the accuracies lie


@dataclass(frozen=True)
class Setting:
    """One line of a table.

    Attributes:
        groups: of the test part.
        seeds: training seeds of each method.
        seed_sd: of the true score between seeds, in points.
        shift: how much better than the base the first four arms are, on the normal scale.
        accuracies: of the classes, for the base.
        shares: of the groups by class.
        metric: what is compared.
    """

    groups: int
    seeds: int
    seed_sd: float = 0.0
    shift: float = 0.0
    accuracies: tuple[float, ...] = (0.85, 0.75, 0.70)
    shares: tuple[float, ...] = (0.6, 0.3, 0.1)
    metric: str = "balanced_accuracy"

    @property
    def truth(self) -> float:
        """True difference of the first four arms to the base, of balanced accuracy."""
        places = norm.ppf(self.accuracies)
        return float(np.mean(norm.cdf(places + self.shift) - norm.cdf(places)))


SEVEN: dict[str, Any] = {
    "accuracies": (0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6),
    "shares": (0.4, 0.2, 0.12, 0.1, 0.08, 0.06, 0.04),
}
NULLS = (
    *(Setting(groups, seeds) for groups in (20, 50, 100) for seeds in (1, 3, 5)),
    *(Setting(groups, seeds, 2.0) for groups in (20, 50, 100) for seeds in (3, 5)),
    *(Setting(300, seeds, **SEVEN) for seeds in (1, 3)),
    Setting(300, 3, 2.0, **SEVEN),
    Setting(50, 1, metric="macro_f1"),
    Setting(50, 1, metric="accuracy"),
)
SHIFTED = (
    *(Setting(groups, seeds, shift=0.3) for groups in (20, 50, 100) for seeds in (1, 3)),
    Setting(300, 1, shift=0.3, **SEVEN),
    Setting(50, 3, 2.0, shift=0.3),
    Setting(50, 1, shift=0.3, metric="accuracy"),
)


def study(number: int, setting: Setting, arms: int = ARMS, flips: int | None = None) -> Comparison:
    """Simulate one study and compare its arms with the base."""
    generator = np.random.default_rng([number, setting.groups, setting.seeds])
    size = np.minimum(np.floor(generator.random(setting.groups) ** (-1 / 1.5)), 40).astype(int)
    ends = np.round(np.cumsum(setting.shares) * setting.groups).astype(int)
    label = np.searchsorted(ends, np.arange(setting.groups), side="right")
    member, classes = np.repeat(np.arange(setting.groups), size), len(setting.shares)
    labels = np.repeat(label, size)
    limit = norm.ppf(np.array(setting.accuracies))[labels]
    shared = _effects(generator, member, 0.5)
    predicted = {}
    for arm in range(arms + 1):
        own = _effects(generator, member, 0.25)
        spread = setting.seed_sd / 100 / POINTS
        seeds = generator.normal(0, spread, (setting.seeds, 1)) if spread else 0.0
        noise = generator.normal(0, np.sqrt((1 - WITHIN) * 0.25), (setting.seeds, len(member)))
        noise += generator.normal(0, np.sqrt(WITHIN * 0.25), (setting.seeds, setting.groups))[
            :, member
        ]
        total = np.sqrt(1 + spread**2)  # so that the mean over seeds keeps its accuracy
        better = setting.shift if 0 < arm <= 4 else 0.0
        right = shared + own + noise + seeds < (limit + better) * total
        predicted[f"arm {arm}"] = np.where(right, labels, (labels + 1) % classes)
    return compare(
        predicted, labels, member.astype(str).tolist(), classes, base="arm 0",
        metrics=(setting.metric,), flips=flips,
    )  # fmt: skip


def _effects(
    generator: np.random.Generator, member: NDArray[np.int64], part: float
) -> NDArray[np.float64]:
    """[n], a part of the variance of group and row."""
    groups = generator.normal(0, np.sqrt(WITHIN * part), member.max() + 1)[member]
    return groups + generator.normal(0, np.sqrt((1 - WITHIN) * part), len(member))


def false_verdicts(setting: Setting, studies: int) -> tuple[float, float]:
    """Share of studies with any p below 5 % after Holm, and share of all p below 5 % before."""
    found = [study(number, setting).contrasts[setting.metric] for number in range(studies)]
    any_ = np.mean([any(one.corrected <= 0.05 for one in of) for of in found])
    return float(any_), float(np.mean([one.p <= 0.05 for of in found for one in of]))


def held(setting: Setting, studies: int) -> tuple[float, float]:
    """Share of intervals of the first four arms that hold the truth, and their median width."""
    found = [study(number, setting).contrasts[setting.metric][:4] for number in range(studies)]
    ends = np.array([[(c.difference.low, c.difference.high) for c in of] for of in found])
    truth = setting.truth if setting.metric == "balanced_accuracy" else _accuracy(setting)
    holds = (ends[..., 0] <= truth) & (truth <= ends[..., 1])
    return float(holds.mean()), float(np.median(ends[..., 1] - ends[..., 0]))


def _accuracy(setting: Setting) -> float:
    """True difference of accuracy; groups of a class are as large as others on average."""
    places = norm.ppf(setting.accuracies)
    gaps = norm.cdf(places + setting.shift) - norm.cdf(places)
    return float(np.average(gaps, weights=setting.shares))


def main(studies: int = 800) -> int:
    """Print the tables; 1 when a bound is broken."""
    broken = False
    print("| groups | classes | seeds | sd between seeds | metric | any false verdict | p <= .05 |")
    print("|---|---|---|---|---|---|---|")
    for setting in NULLS:
        wrong, raw = false_verdicts(setting, studies)
        print(_line(setting, f"{wrong:.1%}", f"{raw:.1%}"), flush=True)
        broken |= wrong > 0.05 + 2 * np.sqrt(0.05 * 0.95 / studies)
    print("\n| groups | classes | seeds | sd between seeds | metric | truth held | median width |")
    print("|---|---|---|---|---|---|---|")
    for setting in SHIFTED:
        share, width = held(setting, studies)
        print(_line(setting, f"{share:.1%}", f"{100 * width:.1f} points"), flush=True)
        broken |= share < 0.95 - 2 * np.sqrt(0.05 * 0.95 / studies)
    return int(broken)


def _line(setting: Setting, *found: str) -> str:
    told = (setting.groups, len(setting.shares), setting.seeds, f"{setting.seed_sd:g} points",
            setting.metric.replace("_", " "), *found)  # fmt: skip
    return "| " + " | ".join(map(str, told)) + " |"


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
