"""How often intervals of differences hold the truth, and how often equal methods are told apart.

Run ``python tests/benchmarks/comparison_coverage.py``: 1,000 simulated studies for each setting,
two minutes on two processors; it prints the table of docs/results/comparison.md. Exit status 1 when
coverage leaves 93 to 97 % with three seeds or more, or equal methods are told apart in more than
7 % of the studies.

A study has two methods with S training seeds each on the same rows. A row is right when the sum of
normal effects is above 0: method, group (shared by both methods), method in this group, seed, row,
and seed in this row; so its true balanced accuracy is a value of the normal distribution function.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.stats import norm

from mmx.evaluation import Contrast, compare

CLASSES, GROUPS = 3, 60  # groups per class, each of one to three rows


@dataclass(frozen=True)
class Setting:
    """Standard deviations of the effects; those not named here are 0.4."""

    name: str
    seeds: int
    seed: float
    own_groups: float
    quality: tuple[float, float] = (0.9, 0.8)
    bound: bool = True

    @property
    def truth(self) -> float:
        """Difference of the true balanced accuracies."""
        return float(norm.cdf(self.quality[0]) - norm.cdf(self.quality[1]))


SETTINGS = (
    Setting("3 seeds that differ little", 3, 0.03, 0.5),
    Setting("3 seeds that differ by 1.4 points", 3, 0.05, 0.4),
    Setting("3 seeds that differ by 2.8 points", 3, 0.1, 0.4),
    Setting("5 seeds that differ by 1.4 points", 5, 0.05, 0.4),
    Setting("2 seeds that differ by 1.4 points", 2, 0.05, 0.4, bound=False),
)
NULLS = (
    Setting("same method, 3 other seeds, all effects", 3, 0.05, 0.4, (0.8, 0.8)),
    Setting("same method, 3 other seeds, alike on each group", 3, 0.05, 0.0, (0.8, 0.8)),
    Setting("same method, 3 other seeds, far apart", 3, 0.15, 0.0, (0.8, 0.8)),
)


def study(number: int, setting: Setting, resamples: int = 1000) -> Contrast:
    """Simulate one study and compare its two methods."""
    generator = np.random.default_rng([number, setting.seeds])
    member = np.repeat(np.arange(CLASSES * GROUPS), generator.integers(1, 4, CLASSES * GROUPS))
    labels, rows = member // GROUPS, len(member)
    spread = (setting.seed, setting.own_groups, 0.7, 0.4, 0.4)
    shared = generator.normal(0, 0.7, CLASSES * GROUPS)[member] + generator.normal(0, 0.4, rows)
    predicted = {}
    for name, quality in zip(("ours", "base"), setting.quality, strict=True):
        own = generator.normal(0, setting.own_groups, CLASSES * GROUPS)[member]
        seeds = generator.normal(0, setting.seed, (setting.seeds, 1))
        noise = generator.normal(0, 0.4, (setting.seeds, rows))
        right = quality * np.linalg.norm(spread) + shared + own + seeds + noise > 0
        predicted[name] = np.where(right, labels, (labels + 1) % CLASSES)
    groups = member.astype(str).tolist()
    return compare(
        predicted, labels, groups, CLASSES, base="base", metrics=("balanced_accuracy",),
        resamples=resamples, seed=number,
    ).contrasts["balanced_accuracy"][0]  # fmt: skip


def measured(setting: Setting, studies: int, resamples: int = 1000) -> tuple[float, float, float]:
    """Share of intervals that hold the truth, share told apart, and the median width."""
    with ProcessPoolExecutor() as pool:
        one = partial(study, setting=setting, resamples=resamples)
        found = list(pool.map(one, range(studies), chunksize=25))
    return summary(found, setting.truth)


def summary(found: list[Contrast], truth: float) -> tuple[float, float, float]:
    """Share of intervals that hold the truth, share told apart, and the median width."""
    holds = [one.difference.low <= truth <= one.difference.high for one in found]
    apart = [one.verdict != "not distinguishable" for one in found]
    widths = [one.difference.high - one.difference.low for one in found]
    return float(np.mean(holds)), float(np.mean(apart)), float(np.median(widths))


def main(studies: int = 1000) -> int:
    """Print the tables; 1 when a bound is broken."""
    lines = ["| setting | truth within the 95 % interval | told apart | median width, points |"]
    lines += ["|---|---|---|---|"]
    broken = False
    for setting in (*SETTINGS, *NULLS):
        holds, apart, width = measured(setting, studies)
        lines.append(f"| {setting.name} | {holds:.1%} | {apart:.1%} | {100 * width:.1f} |")
        print(lines[-1], flush=True)  # noqa: T201
        if setting in NULLS:
            broken |= apart > 0.07
        elif setting.bound:
            broken |= not 0.93 <= holds <= 0.97
    return int(broken)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
