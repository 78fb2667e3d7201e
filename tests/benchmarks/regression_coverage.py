"""How often the intervals of answers that are numbers hold the truth.

``python tests/benchmarks/regression_coverage.py`` prints the tables of docs/benchmarks.md, in about
four minutes on one core. The task is that of the package in tests/third_party. It exits with 1
when the mean coverage of a score, or of a difference, leaves 92 to 99.5 %.
"""

import argparse
import sys
from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from target_coverage import Tally, members

from mmx.evaluation import compare_scores

sys.path.insert(0, str(Path(__file__).parents[1] / "third_party" / "regression" / "src"))

from mmx_regression.statistics import STATISTICS, intervals, scores

METRICS = ("mean_absolute_error", *STATISTICS)
NOISES = (0.3, 0.9)  # of an answer, in standard deviations of what is true
GROUPS = (20, 50, 100, 300)
LARGE = 60_000  # groups that give the truth
Numbers = NDArray[np.float64]


def cases(
    generator: np.random.Generator, groups: int, *, skewed: bool
) -> tuple[Numbers, NDArray[Any]]:
    """What is true of each row, and its group; a group shares half of the variance.

    ``skewed``: positive numbers with a long tail (log-normal), as costs, volumes and days have.
    """
    member = members(generator, groups)
    even = _shared(generator.normal(size=groups)[member], generator.normal(size=len(member)))
    return (np.exp(even) if skewed else even), member


def answered(
    generator: np.random.Generator, target: Numbers, member: NDArray[Any], noise: float,
    *, skewed: bool,
) -> Numbers:  # fmt: skip
    """Answers whose error a group shares by half; where ``skewed``, it grows with what is true."""
    groups = int(member.max()) + 1
    shared, own = generator.normal(size=groups)[member], generator.normal(size=len(member))
    error = noise * _shared(shared, own)
    return target * (1 + error / 2) if skewed else target + error


def _shared(group: Numbers, own: Numbers) -> Numbers:
    return np.asarray(np.sqrt(0.5) * (group + own))


def true_scores(answers: Numbers, target: Numbers) -> dict[str, float]:
    """The three scores, without intervals."""
    found = {name: of(answers, target) for name, of in STATISTICS.items()}
    return {"mean_absolute_error": float(np.abs(answers - target).mean()), **found}


def cell(tally: Tally, name: str) -> str:
    """Coverage and median width: a long tail makes a few intervals of R2 nearly endless."""
    width = float(np.median(tally.width[name]))
    return f"{np.mean(tally.held[name]):.1%} ({width:.2f})"


def score_tables(sets: int) -> Iterator[list[float]]:
    """Print coverage of the three scores; gives a row of them for each design."""
    print(f"\nScores of numbers, D = {sets} (MC {22 / sqrt(sets):.1f})\n")
    for skewed in (False, True):
        for noise in NOISES:
            generator = np.random.default_rng(0)
            target, member = cases(generator, LARGE, skewed=skewed)
            truth = true_scores(answered(generator, target, member, noise, skewed=skewed), target)
            for groups in GROUPS:
                tally = tallied(groups, noise, sets, truth, skewed=skewed)
                cells = " | ".join(cell(tally, name) for name in METRICS)
                named = " | ".join(f"{truth[name]:.2f}" for name in METRICS)
                kind = "skewed" if skewed else "even"
                print(f"| {kind} | {named} | {groups} | {cells} |", flush=True)
                yield [float(np.mean(tally.held[name])) for name in METRICS]


def tallied(
    groups: int, noise: float, sets: int, truth: dict[str, float], *, skewed: bool
) -> Tally:
    """What the intervals of many data sets of one design hold."""
    generator, tally = np.random.default_rng([groups, round(100 * noise), skewed]), Tally()
    for _ in range(sets):
        target, member = cases(generator, groups, skewed=skewed)
        answers = answered(generator, target, member, noise, skewed=skewed)
        for name, interval in intervals(answers, target, member.astype(str).tolist()).items():
            tally.add(name, interval, truth[name])
    return tally


def pair_tables(sets: int) -> Iterator[list[float]]:
    """Print what sign flips say of two methods; gives the coverage of each difference."""
    print(f"\nTwo methods, one training run each, D = {sets}: share with p <= 5 % where they are")
    print("alike; coverage (median width) and power where one is worse\n")
    for skewed in (False, True):
        truth = _true_gaps(skewed=skewed)
        for groups in GROUPS[1:]:
            generator, tally = np.random.default_rng([groups, skewed]), Tally()
            alike, found = dict.fromkeys(METRICS, 0), dict.fromkeys(METRICS, 0)
            for _ in range(sets):
                for name, gap in _gaps(generator, groups, 0.5, skewed=skewed).items():
                    alike[name] += gap.p <= 0.05
                for name, gap in _gaps(generator, groups, 0.6, skewed=skewed).items():
                    found[name] += gap.p <= 0.05
                    tally.add(name, gap.difference, truth[name])
            kind = "skewed" if skewed else "even"
            for name in METRICS:
                words = f"{alike[name] / sets:.1%} | {cell(tally, name)} | "
                print(
                    f"| {kind} | {name} | {truth[name]:.3f} | {groups} | {words}"
                    f"{found[name] / sets:.0%} |", flush=True,
                )  # fmt: skip
            yield [float(np.mean(tally.held[name])) for name in METRICS]


def _two(
    generator: np.random.Generator, groups: int, worse: float, *, skewed: bool
) -> tuple[dict[str, Numbers], Numbers, NDArray[Any]]:
    """A base with a noise of 0.5 and a method with that of ``worse``, whose errors share half."""
    target, member = cases(generator, groups, skewed=skewed)
    common = answered(generator, target, member, 0.5, skewed=skewed) - target
    told = {}
    for name, noise in (("base", 0.5), ("method", worse)):
        own = answered(generator, target, member, 0.5, skewed=skewed) - target
        told[name] = target + noise / 0.5 * np.sqrt(0.5) * (common + own)
    return told, target, member


def _true_gaps(*, skewed: bool) -> dict[str, float]:
    told, target, _ = _two(np.random.default_rng(0), LARGE, 0.6, skewed=skewed)
    base, method = (true_scores(told[name], target) for name in ("base", "method"))
    return {name: method[name] - base[name] for name in METRICS}


def _gaps(
    generator: np.random.Generator, groups: int, worse: float, *, skewed: bool
) -> dict[str, Any]:
    told, target, member = _two(generator, groups, worse, skewed=skewed)
    given = {name: of[None] for name, of in told.items()}
    found = scores(given, target, member.astype(str).tolist(), METRICS)
    compared = compare_scores(found, base="base", flips=1000)
    return {name: compared.contrasts[name][0] for name in METRICS}


def main() -> int:
    """Print all tables; 1 when the mean coverage of a score or a difference is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sets", type=int, default=200, help="data sets of a cell")
    parser.add_argument("--only", choices=("scores", "pairs"), help="one of them")
    given = parser.parse_args()
    tables = {"scores": score_tables, "pairs": pair_tables}
    kept = [given.only] if given.only else list(tables)
    means = [np.mean(list(tables[name](given.sets)), axis=0) for name in kept]
    return int(not all(((of >= 0.92) & (of <= 0.995)).all() for of in means))


if __name__ == "__main__":
    sys.exit(main())
