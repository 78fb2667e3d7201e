"""How often the intervals of one run hold the truth, and how often promises are kept.

Run ``python tests/benchmarks/interval_coverage.py --sets 800``: about one minute of one processor.
It prints the tables of docs/benchmarks.md. ``--full`` simulates the whole grid of group sizes,
correlations and profiles of the first table instead (two minutes with ``--sets 200``). Exit status
1 when the mean coverage of balanced accuracy leaves 93.5 to 99 %, a setting falls below 90 % by
more than its Monte-Carlo error, or a promise of selective prediction is broken too often.

Groups have floor(Pareto(1.5)) rows, 1 to 40, unless said otherwise; rows of a group are right with
a chance of its own from a beta distribution, so that their correlation is the one stated. The
Monte-Carlo error of a share near 95 % is 22 / sqrt(D) points for D data sets.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import inf, sqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mmx.evaluation import evaluate, share_of_groups, share_of_rows
from mmx.evaluation.bounds import jeffreys, mean_share
from mmx.evaluation.effective import clustered_shares
from mmx_plugins.inference.selective import threshold_for_risk

Floats = NDArray[np.float64]
DESIGNS = {
    "20 (9/5/3/3)": (9, 5, 3, 3),
    "50 (20/10/6/5/3/3/3)": (20, 10, 6, 5, 3, 3, 3),
    "100 (45/20/12/10/6/4/3)": (45, 20, 12, 10, 6, 4, 3),
    "300 (135/60/40/30/15/11/9)": (135, 60, 40, 30, 15, 11, 9),
    "896 (600/110/90/50/25/12/9)": (600, 110, 90, 50, 25, 12, 9),
}
TRUTHS = (0.6, 0.8, 0.9, 0.97, 0.99, 1.0)
CHUNK = 100  # data sets at a time


@dataclass(frozen=True)
class Setting:
    """How groups and answers are drawn."""

    groups: tuple[int, ...]
    truth: float
    correlation: float = 0.5
    largest: int = 40  # rows of a group; 1: single rows
    rare_harder: bool = False  # the rarer half of the classes errs twice as often

    @property
    def truths(self) -> Floats:
        """[C], with the stated mean."""
        wrong = np.ones(len(self.groups))
        if self.rare_harder:
            wrong[len(wrong) // 2 :] *= 2
        return 1 - (1 - self.truth) * wrong / wrong.mean()

    def draw(self, generator: np.random.Generator, sets: int) -> tuple[Floats, Floats]:
        """[D, G, C] rows and right rows."""
        owner = np.repeat(np.arange(len(self.groups)), self.groups)
        shape = (sets, len(owner))
        sizes = np.minimum(np.floor(generator.pareto(1.5, shape) + 1), self.largest)
        chance = np.broadcast_to(self.truths[owner], shape)
        if self.correlation and self.truth < 1:
            scale = (1 - self.correlation) / self.correlation
            chance = generator.beta(chance * scale, (1 - chance) * scale)
        right = generator.binomial(sizes.astype(int), chance)
        of_class = np.eye(len(self.groups))[owner]
        return sizes[..., None] * of_class, right[..., None] * of_class


def covered(setting: Setting, sets: int) -> tuple[float, float, float]:
    """Coverage and mean width of balanced accuracy, and the coverage of the rarest class alone."""
    generator, held, width, alone = np.random.default_rng(1), 0, 0.0, 0
    for _ in range(sets // CHUNK):
        shares = clustered_shares(*setting.draw(generator, CHUNK))
        _, low, high = mean_share(shares)
        held += int(((low <= setting.truth + 1e-12) & (setting.truth <= high + 1e-12)).sum())
        width += float((high - low).sum())
        below, above = jeffreys(shares.share, shares.effective)
        truth = setting.truths[-1]
        alone += int(((below[:, -1] <= truth) & (truth <= above[:, -1])).sum())
    return held / sets, width / sets, alone / sets


def percentile(setting: Setting, sets: int, resamples: int = 400) -> float:
    """Coverage of the percentile bootstrap over groups, for comparison."""
    generator, held = np.random.default_rng(2), 0
    rows, right = setting.draw(generator, sets)
    groups = rows.shape[1]
    for of, hit in zip(rows, right, strict=True):
        weights = generator.multinomial(groups, [1 / groups] * groups, resamples)
        total = weights @ of
        whole = (total > 0).all(axis=1)
        scores = ((weights @ hit)[whole] / total[whole]).mean(axis=1)
        low, high = np.percentile(scores, [2.5, 97.5])
        held += bool(low <= setting.truth + 1e-12 and setting.truth <= high + 1e-12)
    return held / sets


def accuracy_tables(sets: int) -> Iterator[float]:
    """Print coverage of balanced accuracy by size and truth; gives every cell."""
    print(
        f"\nBalanced accuracy, D = {sets} (MC {22 / sqrt(sets):.1f}): coverage in % (mean width in"
    )
    print("points) [percentile bootstrap, D = 200]\n")
    print("| groups (per class) | " + " | ".join(f"truth {truth}" for truth in TRUTHS) + " |")
    print("|---" * (len(TRUTHS) + 1) + "|")
    for name, groups in DESIGNS.items():
        cells = []
        for truth in TRUTHS:
            setting = Setting(groups, truth)
            share, width, _ = covered(setting, sets)
            cells.append(f"{share:.1%} ({100 * width:.0f}) [{percentile(setting, 200):.0%}]")
            yield share
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def full_grid(sets: int) -> Iterator[float]:
    """Print mean and least coverage over sizes, correlations and profiles; gives every cell."""
    print(
        f"\nD = {sets} (MC {22 / sqrt(sets):.1f}): mean [least] coverage of balanced accuracy over"
    )
    print(
        "sizes (1, 3, heavy-tailed) x correlation (0, .3, .7) x profile (equal, rare harder), in %"
    )
    print("\n| groups (per class) | " + " | ".join(f"truth {truth}" for truth in TRUTHS) + " |")
    print("|---" * (len(TRUTHS) + 1) + "|")
    for name, groups in DESIGNS.items():
        cells = []
        for truth in TRUTHS:
            grid = product((0.0, 0.3, 0.7), (1, 3, 40), (False, True))
            found = [covered(Setting(groups, truth, *how), sets)[0] for how in grid]
            cells.append(f"{100 * np.mean(found):.1f} [{100 * min(found):.0f}]")
            yield from found
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def single_shares(sets: int) -> None:
    """Print coverage of the sensitivity of the rarest class alone."""
    truths = TRUTHS[:-1]
    print(f"\nSensitivity of the rarest class alone, D = {sets}: coverage in %\n")
    print("| its groups | " + " | ".join(f"truth {truth}" for truth in truths) + " |")
    print("|---" * (len(truths) + 1) + "|")
    for groups in ((9, 5, 3, 3), (20, 10, 10, 8), (60, 40, 30, 25), (200, 120, 80, 60)):
        cells = [f"{covered(Setting(groups, truth), sets)[2]:.1%}" for truth in truths]
        print(f"| {groups[-1]} | {' | '.join(cells)} |", flush=True)


def scored(generator: np.random.Generator, groups: int, signal: float) -> tuple[Any, Any, Any]:
    """Log-probabilities, labels and groups: Gaussian scores, half of whose noise a group shares."""
    sizes = np.minimum(np.floor(generator.pareto(1.5, groups) + 1), 40).astype(int)
    owner = generator.choice(4, groups, p=[0.55, 0.25, 0.12, 0.08])
    owner[:4] = range(4)
    member = np.repeat(np.arange(groups), sizes)
    noise = generator.normal(size=(groups, 4))[member] + generator.normal(size=(len(member), 4))
    logits = signal * np.eye(4)[owner[member]] + noise
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return log_probs, owner[member], member.astype(str).tolist()


def other_scores(sets: int) -> None:
    """Print coverage of the other scores of a run; their truth is that of 60,000 groups."""
    names = ("balanced_accuracy", "accuracy", "macro_f1", "macro_auroc", "confidence_gap",
             "brier", "nll")  # fmt: skip
    print(f"\nScores of drawn predictions, D = {sets} (MC {22 / sqrt(sets):.1f}): coverage in %\n")
    print("| groups | macro AUROC | " + " | ".join(name.replace("_", " ") for name in names) + " |")
    print("|---" * (len(names) + 2) + "|")
    for signal in (2.0, 3.5):
        truth = evaluate(*scored(np.random.default_rng(0), 60_000, signal), tuple("abcd")).metrics
        for groups in (20, 50, 100, 300):
            held = dict.fromkeys(names, 0)
            generator = np.random.default_rng(groups)
            for _ in range(sets):
                found = evaluate(*scored(generator, groups, signal), tuple("abcd")).metrics
                for name in names:
                    held[name] += found[name].low <= truth[name].value <= found[name].high
            cells = " | ".join(f"{held[name] / sets:.1%}" for name in names)
            print(f"| {groups} | {truth['macro_auroc'].value:.3f} | {cells} |", flush=True)


def selective(sets: int) -> float:
    """Print how often a promised risk is broken; gives the worst excess over what is allowed."""
    print(f"\nPromise of a risk, delta .1, D = {sets} (MC {100 * sqrt(0.09 / sets):.1f}):")
    print("broken, mean coverage, accepts nothing, in %\n")
    print("| level | 100 groups | 300 | 1,000 |\n|---|---|---|---|")
    worst = 0.0
    for level in (0.05, 0.1):
        cells = []
        for groups in (100, 300, 1000):
            generator, broken, shares = np.random.default_rng(groups), 0, []
            for _ in range(sets):
                sizes = np.minimum(np.floor(generator.pareto(1.5, groups) + 1), 40).astype(int)
                kappa = generator.uniform(size=groups)
                member = np.repeat(np.arange(groups), sizes)
                # the error at a confidence k is .456 (1 - k): 22.8 % of all rows are wrong
                risk = generator.beta(0.456 * (1 - kappa) + 1e-9, 1 - 0.456 * (1 - kappa))
                wrong = generator.random(len(member)) < risk[member]
                found = threshold_for_risk(
                    torch.from_numpy(kappa[member]), torch.from_numpy(wrong),
                    member.astype(str).tolist(), level, 0.1,
                )  # fmt: skip
                shares.append(0.0 if found == inf else 1 - found)
                broken += found < inf and 0.456 * (1 - found) / 2 > level
            nothing = np.mean(np.array(shares) == 0)
            cells.append(f"{broken / sets:.0%}, {np.mean(shares):.0%}, {nothing:.0%}")
            worst = max(worst, broken / sets - 0.1 - 2.5 * sqrt(0.09 / sets))
        print(f"| {level} | {' | '.join(cells)} |", flush=True)
    return worst


def conformal(sets: int) -> None:
    """Print how often valid sets are called broken, per group and per row."""
    print(
        f"\nSets that hold 90 % per group; every fourth group has 7 rows and is harder, D = {sets}:"
    )
    print(
        "called broken, in %\n\n| groups | by the interval over groups | over rows |\n|---|---|---|"
    )
    for groups in (50, 200, 1000):
        generator, by_group, by_row = np.random.default_rng(groups), 0, 0
        for _ in range(sets):
            many = np.arange(groups) % 4 == 0
            member = np.repeat(np.arange(groups), np.where(many, 7, 1))
            chance = np.where(many, 0.78, 0.94)  # 90 % over groups, 83 % over rows
            hit = generator.random(len(member)) < chance[member]
            names = member.astype(str).tolist()
            by_group += share_of_groups(hit, names).high < 0.9
            by_row += share_of_rows(hit, names).high < 0.9
        print(f"| {groups} | {by_group / sets:.1%} | {by_row / sets:.1%} |", flush=True)


def main() -> int:
    """Print all tables; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--full", action="store_true", help="the whole grid of balanced accuracy")
    parser.add_argument("--sets", type=int, default=400, help="data sets of a cell")
    given = parser.parse_args()
    least = 0.9 - 2.5 * sqrt(0.09 / given.sets)  # of a setting, less its Monte-Carlo error
    if given.full:
        found = list(full_grid(given.sets))
        return int(not 0.935 <= np.mean(found) <= 0.99 or min(found) < least)
    found = list(accuracy_tables(given.sets))
    single_shares(given.sets)
    other_scores(given.sets // 4)
    worst = selective(given.sets // 2)
    conformal(given.sets // 2)
    return int(not 0.935 <= np.mean(found) <= 0.995 or min(found) < least or worst > 0)


if __name__ == "__main__":
    sys.exit(main())
