"""How often the intervals of several labels and of ordered levels hold the truth.

``python tests/benchmarks/target_coverage.py`` prints the tables of docs/benchmarks.md, in about
three minutes on one core. It exits with 1 when a mean coverage leaves 92 to 99.5 %.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation import (
    Comparison,
    Contrast,
    compare,
    compare_labels,
    evaluate_labels,
    evaluate_levels,
)

LABELS = 14
NAMES = tuple("abcdefghijklmn")
PREVALENCE = np.geomspace(0.005, 0.2, LABELS)
LARGEST = 20  # rows of a group
SIGNALS = (1.5, 2.5)  # of a label, in standard deviations of the noise
LEVELS = (3, 4, 6)
Drawn = tuple[NDArray[Any], NDArray[Any], list[str]]


def members(generator: np.random.Generator, groups: int) -> NDArray[Any]:
    """The group of each row: heavy-tailed sizes from 1 to 20."""
    sizes = np.minimum(np.floor(generator.pareto(1.5, groups) + 1), LARGEST).astype(int)
    return np.repeat(np.arange(groups), sizes)


def labels(generator: np.random.Generator, groups: int, signal: float) -> Drawn:
    """14 labels, 10 % of the cells unknown; a group shares half of label and half of the noise."""
    member = members(generator, groups)
    rows, cut = len(member), _normal_quantile(1 - PREVALENCE)
    shared = generator.normal(size=(groups, LABELS))[member]
    truth = (np.sqrt(0.5) * (shared + generator.normal(size=(rows, LABELS))) > cut).astype(int)
    noise = generator.normal(size=(groups, LABELS))[member] + generator.normal(size=(rows, LABELS))
    logits = signal * truth + np.sqrt(0.5) * noise - cut
    target = np.where(generator.random((rows, LABELS)) < 0.1, -1, truth)
    log_probs = np.stack([-np.logaddexp(0, logits), -np.logaddexp(0, -logits)], axis=-1)
    return log_probs, target, member.astype(str).tolist()


def _normal_quantile(share: NDArray[Any]) -> NDArray[Any]:
    from scipy.stats import norm

    return np.asarray(norm.ppf(share))


def levels(generator: np.random.Generator, groups: int, count: int, noise: float) -> Drawn:
    """Ordered levels with falling shares; a group has one level and shares half of the noise."""
    member = members(generator, groups)
    shares = 0.6 ** np.arange(count)
    owner = generator.choice(count, groups, p=shares / shares.sum())
    owner[:count] = range(count)
    seen = generator.normal(size=groups)[member] + generator.normal(size=len(member))
    centre = owner[member] + noise * np.sqrt(0.5) * seen
    logits = -((centre[:, None] - np.arange(count)) ** 2) / (2 * noise**2)
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return log_probs, owner[member], member.astype(str).tolist()


class Tally:
    """Coverage and mean width of named intervals."""

    def __init__(self) -> None:
        self.held: dict[str, list[bool]] = {}
        self.width: dict[str, list[float]] = {}

    def add(self, name: str, interval: Any, truth: float) -> None:
        """Count an interval, unless it has no bounds."""
        if np.isfinite([interval.low, interval.high]).all():
            hit = interval.low - 1e-12 <= truth <= interval.high + 1e-12
            self.held.setdefault(name, []).append(bool(hit))
            self.width.setdefault(name, []).append(interval.high - interval.low)

    def cell(self, name: str, sets: int) -> str:
        """Coverage, mean width, and in how many of the data sets there is an interval."""
        held = self.held.get(name, [])
        if not held:
            return "none"
        width = 100 * float(np.mean(self.width[name]))
        share = f", in {len(held) / sets:.0%}" if len(held) < 0.995 * sets else ""
        return f"{np.mean(held):.1%} ({width:.0f}{share})"


def of_labels(found: Any) -> Iterator[tuple[str, Any]]:
    """Intervals of an evaluation of labels by name; labels one by one by their number."""
    yield from found.metrics.items()
    for index, one in enumerate(found.per_label):
        (point,) = one.points
        yield f"auroc {index}", one.auroc
        yield f"average precision {index}", one.average_precision
        yield f"sensitivity {index}", point.sensitivity
        yield f"specificity {index}", point.specificity


def _truth(name: str, truth: dict[str, Any], scored: tuple[str, ...]) -> float:
    """Of a mean over labels: that over the labels which a data set could score."""
    kind = name.removeprefix("macro_").replace("_", " ")
    if not name.startswith("macro_") or not scored:
        return float(truth[name].value)
    return float(np.mean([truth[f"{kind} {NAMES.index(one)}"].value for one in scored]))


def label_tables(sets: int) -> Iterator[float]:
    """Print coverage over 14 labels; gives the means over labels."""
    chosen = {"fixed": [float(p) for p in PREVALENCE]}
    for signal in SIGNALS:
        given = labels(np.random.default_rng(0), 60_000, signal)
        truth = dict(of_labels(evaluate_labels(*given, NAMES, chosen)))
        area, precise = (truth[f"macro_{of}"].value for of in ("auroc", "average_precision"))
        print(f"\n14 labels of 0.5 to 20 %, macro AUROC {area:.3f}, macro average precision")
        print(f"{precise:.2f}, D = {sets} (MC {22 / sqrt(sets):.1f})\n")
        for groups in (100, 300, 1000):
            generator, tally = np.random.default_rng(groups), Tally()
            for _ in range(sets):
                given = labels(generator, groups, signal)
                found = evaluate_labels(*given, NAMES, chosen)
                for name, interval in of_labels(found):
                    tally.add(name, interval, _truth(name, truth, found.scored_labels))
            yield from _label_rows(groups, tally, sets)


def _label_rows(groups: int, tally: Tally, sets: int) -> Iterator[float]:
    means = ("macro_auroc", "macro_average_precision", "brier", "nll", "probability_gap")
    print(f"| {groups} groups | " + " | ".join(tally.cell(name, sets) for name in means) + " |")
    for kind in ("auroc", "average precision", "sensitivity", "specificity"):
        cells = [tally.cell(f"{kind} {index}", sets) for index in (0, 4, 9, 13)]
        print(
            f"|   {kind} of labels of 0.5, 1.6, 6, 20 % | " + " | ".join(cells) + " |", flush=True
        )
    yield float(np.mean(tally.held["macro_auroc"]))


def level_tables(sets: int) -> Iterator[float]:
    """Print coverage of ordered levels; gives every cell of the two headlines."""
    names = ("quadratic_kappa", "macro_absolute_error", "balanced_accuracy", "ranked_probability")
    print(f"\nOrdered levels, D = {sets} (MC {22 / sqrt(sets):.1f})\n")
    for count in LEVELS:
        for noise in (0.8, 0.35):
            drawn = partial(levels, count=count, noise=noise)
            kinds = tuple("abcdef"[:count])
            truth = evaluate_levels(*drawn(np.random.default_rng(0), 60_000), kinds).metrics
            for groups in (20, 50, 100, 300):
                generator, tally = np.random.default_rng(groups), Tally()
                for _ in range(sets):
                    found = evaluate_levels(*drawn(generator, groups), kinds).metrics
                    for name in names:
                        tally.add(name, found[name], truth[name].value)
                kappa = truth["quadratic_kappa"].value
                cells = " | ".join(tally.cell(name, sets) for name in names)
                print(f"| {count} | {kappa:.2f} | {groups} | {cells} |", flush=True)
                yield from (float(np.mean(tally.held[name])) for name in names[:2])


def pair_tables(sets: int) -> Iterator[float]:
    """Print what sign flips say of two methods; gives the coverage of each difference."""
    print(
        f"\nTwo methods, one training run each, D = {sets} (MC {22 / sqrt(sets):.1f}): share with"
    )
    print("with p <= 5 % where they are alike; coverage (width) and power where one is worse\n")
    for name, two in (
        ("macro_auroc", _two_of_labels),
        ("quadratic_kappa", _two_of_levels),
        ("macro_absolute_error", _two_of_levels),
    ):
        truth = _gap(two(np.random.default_rng(0), 30_000, worse=True, flips=2), name).difference
        for groups in (50, 100, 300):
            generator, tally, alike, found = np.random.default_rng(groups), Tally(), 0, 0
            for _ in range(sets):
                alike += _gap(two(generator, groups, worse=False), name).p <= 0.05
                gap = _gap(two(generator, groups, worse=True), name)
                found += gap.p <= 0.05
                tally.add(name, gap.difference, truth.value)
            words = f"{alike / sets:.1%} | {tally.cell(name, sets)} | {found / sets:.0%}"
            print(f"| {name} | {truth.value:.3f} | {groups} | {words} |", flush=True)
            yield float(np.mean(tally.held[name]))


def _gap(found: Comparison, metric: str) -> Contrast:
    return found.contrasts[metric][0]


def _two_of_labels(
    generator: np.random.Generator, groups: int, *, worse: bool, flips: int = 1000
) -> Comparison:
    log_probs, target, names = labels(generator, groups, SIGNALS[0])
    base = log_probs[..., 1] - log_probs[..., 0]
    size = 0.8 if worse else 0.5
    moved = [base + of * generator.normal(size=base.shape) for of in (0.5, size)]
    probs = {name: 1 / (1 + np.exp(-of))[None] for name, of in zip("ab", moved, strict=True)}
    return compare_labels(probs, target, names, base="a", metrics=["macro_auroc"], flips=flips)


def _two_of_levels(
    generator: np.random.Generator, groups: int, *, worse: bool, flips: int = 1000
) -> Comparison:
    log_probs, truth, names = levels(generator, groups, 4, 0.8)
    expected = np.exp(log_probs) @ np.arange(4)
    sizes = (0.3, 0.6 if worse else 0.3)
    moved = [expected + of * generator.normal(size=len(truth)) for of in sizes]
    answers = {
        name: np.clip(np.round(of), 0, 3).astype(int)[None]
        for name, of in zip("ab", moved, strict=True)
    }
    metrics = ["quadratic_kappa", "macro_absolute_error"]
    return compare(answers, truth, names, 4, base="a", metrics=metrics, flips=flips)


def main() -> int:
    """Print all tables; 1 when a mean coverage is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sets", type=int, default=400, help="data sets of a cell")
    parser.add_argument("--only", choices=("labels", "levels", "pairs"), help="one of them")
    given = parser.parse_args()
    tables = {"labels": label_tables, "levels": level_tables, "pairs": pair_tables}
    kept = [given.only] if given.only else list(tables)
    means = [float(np.mean(list(tables[name](given.sets)))) for name in kept]
    return int(not all(0.92 <= mean <= 0.995 for mean in means))


if __name__ == "__main__":
    sys.exit(main())
