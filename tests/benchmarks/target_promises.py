"""How often promises about levels and labels are kept: contiguous sets, selective prediction.

``python tests/benchmarks/target_promises.py`` prints the tables of docs/benchmarks.md, in about two
minutes on one core. It exits with 1 when sets hold less than they promise, or when a promised risk
is broken more often than in 10 %.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from math import sqrt
from typing import cast

import numpy as np
import torch
from torch import Tensor

from mmx import Batch, Prediction
from mmx.blocks import Sigmoid
from mmx.interfaces import Validation
from mmx_plugins.inference.conformal import Conformal, ConformalParams
from mmx_plugins.inference.selective import SelectiveParams

BATCH = cast(Batch, None)  # the hooks never look at it
ALPHA, DELTA = 0.1, 0.1
PREVALENCE = torch.linspace(0.05, 0.5, 8)
NEW = 1000  # groups that the sets meet
Rows = tuple[Tensor, Tensor, list[str]]


def levels(generator: np.random.Generator, groups: int, count: int) -> Rows:
    """Log-probabilities and levels; a group has one level, 1 to 20 rows and half of the noise.

    The model is too sure, and sees two humps in every fifth row.
    """
    sizes = np.minimum(np.floor(generator.pareto(1.5, groups) + 1), 20).astype(int)
    member = np.repeat(np.arange(groups), sizes)
    shares = 0.6 ** np.arange(count)
    owner = generator.choice(count, groups, p=shares / shares.sum())[member]
    noise = generator.normal(size=groups)[member] + generator.normal(size=len(member))
    seen = (owner + 0.6 * noise)[:, None]
    likely = np.exp(-((seen - np.arange(count)) ** 2) / 0.5) + 1e-6
    other = generator.integers(count, size=len(member))
    likely[np.arange(len(member)), other] += np.where(generator.random(len(member)) < 0.2, 0.5, 0)
    probs = likely / likely.sum(axis=1, keepdims=True)
    return torch.from_numpy(np.log(probs)), torch.from_numpy(owner), member.astype(str).tolist()


def labels(generator: np.random.Generator, groups: int) -> Rows:
    """Log-probabilities and truth of eight labels of 5 to 50 %, one row a group."""
    truth = torch.from_numpy(generator.random((groups, len(PREVALENCE)))) < PREVALENCE
    noise = torch.from_numpy(generator.normal(size=truth.shape))
    logits = 1.62 * (2 * truth.double() - 1) + 1.2 * noise + 0.6 * PREVALENCE.logit()
    names = list(map(str, range(groups)))
    return Sigmoid(len(PREVALENCE)).log_probs(logits), truth.long(), names


def validation(rows: Rows, task: str) -> Validation:
    """What a hook is fitted on."""
    counts = torch.ones(rows[0].shape[1], 3)
    return Validation(rows[0], rows[1], tuple(rows[2]), counts, counts, (), task=task)


def mean_of_groups(hit: Tensor, names: list[str]) -> float:
    """Mean over groups of the share of their rows."""
    _, member = np.unique(names, return_inverse=True)
    rows = np.bincount(member)
    return float((np.bincount(member, hit.numpy().astype(float)) / rows).mean())


def in_sets(rows: Rows, new: Rows, params: ConformalParams) -> tuple[Tensor, Conformal]:
    """Sets of new rows, by a hook that was fitted on others."""
    hook = params.build()
    hook.fit(validation(rows, "ordinal"))
    found = hook.predict(lambda _: Prediction(new[0]), BATCH)
    return found.extras["in_set"], hook


def sets_table(repeats: int) -> Iterator[float]:
    """Print coverage per group of the sets of levels; gives each, less 90 % and its error."""
    print(f"Sets of 90 % per group, D = {repeats}: coverage per group (levels in a set, sets with")
    print("a gap)\n\n| levels | groups | contiguous | aps | contiguous, per class: least class |")
    print("|---|---|---|---|---|")
    for count in (4, 6):
        for groups in (50, 200, 1000):
            cells = []
            for params, measure in (
                (ConformalParams(score="contiguous"), mean_of_groups),
                (ConformalParams(score="aps"), mean_of_groups),
                (ConformalParams(score="contiguous", per_class=True), None),
            ):
                generator = np.random.default_rng(groups)
                held, size, gaps = _repeated(generator, (groups, count), params, measure, repeats)
                cells.append(f"{held:.1%} ({size:.1f}, {gaps:.0%})")
                if params.score == "contiguous":
                    yield held - (1 - ALPHA) + 2.5 * sqrt(ALPHA * (1 - ALPHA) / groups / repeats)
            print(f"| {count} | {groups} | {' | '.join(cells)} |", flush=True)


def _repeated(
    generator: np.random.Generator, size: tuple[int, int], params: ConformalParams,
    measure: Callable[[Tensor, list[str]], float] | None, repeats: int,
) -> tuple[float, float, float]:  # fmt: skip
    """Mean coverage, mean size of a set, and share of sets with a gap."""
    groups, count = size
    held, sizes, gaps = [], [], []
    for _ in range(repeats):
        new = levels(generator, NEW, count)
        chosen, _ = in_sets(levels(generator, groups, count), new, params)
        hit = chosen.gather(1, new[1][:, None])[:, 0]
        held.append([measure(hit, new[2])] if measure else _of_classes(hit, new, count))
        sizes.append(float(chosen.double().sum(dim=1).mean()))
        ends = chosen.int().diff(dim=1, prepend=torch.zeros(len(chosen), 1, dtype=torch.int32))
        gaps.append(float(((ends == 1).sum(dim=1) > 1).double().mean()))
    return float(np.nanmean(held, axis=0).min()), float(np.mean(sizes)), float(np.mean(gaps))


def _of_classes(hit: Tensor, new: Rows, count: int) -> list[float]:
    """Mean over its groups, by level; a group has one level."""
    names = np.asarray(new[2])
    rows = [(new[1] == level).numpy() for level in range(count)]
    return [
        mean_of_groups(hit[torch.from_numpy(of)], names[of].tolist()) if of.any() else np.nan
        for of in rows
    ]


def risk_table(repeats: int) -> Iterator[float]:
    """Print how often a risk promised for a label is broken; gives each."""
    print(f"\nA promised risk of each of eight labels, D = {8 * repeats}: broken, mean coverage,")
    print("nothing accepted; thresholds of labels are chosen on the same rows\n")
    print("| level | 100 groups | 300 | 1,000 |\n|---|---|---|---|")
    population = labels(np.random.default_rng(0), 60_000)
    for level in (0.05, 0.1):
        cells = []
        for groups in (100, 300, 1000):
            generator = np.random.default_rng(groups)
            found = [_risk(labels(generator, groups), population, level) for _ in range(repeats)]
            broken, accepted = np.concatenate(found, axis=1)
            nothing = (accepted == 0).mean()
            cells.append(f"{broken.mean():.1%}, {accepted.mean():.0%}, {nothing:.0%}")
            yield float(broken.mean())
        print(f"| {level} | {' | '.join(cells)} |", flush=True)


def _risk(rows: Rows, population: Rows, level: float) -> np.ndarray:
    """[2, L]: whether the true risk of what is accepted is above the level, and how much it is."""
    hook = SelectiveParams(target="risk", level=level, delta=DELTA).build()
    hook.fit(validation(rows, "multi_label"))
    found = hook.predict(lambda _: Prediction(population[0]), BATCH)
    accepted = found.extras["accepted"]
    present = population[0][..., 1].exp() >= torch.tensor(hook.called_from)
    wrong = (accepted & (present != (population[1] == 1))).sum(dim=0)
    share = wrong / accepted.sum(dim=0).clamp(min=1)
    return np.stack([(share > level).numpy(), accepted.double().mean(dim=0).numpy()])


def main() -> int:
    """Print all tables; 1 when a promise is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sets", type=int, default=200, help="data sets of a cell")
    given = parser.parse_args()
    held = list(sets_table(given.sets))
    broken = list(risk_table(given.sets // 2))
    return int(min(held) < 0 or max(broken) > DELTA)


if __name__ == "__main__":
    sys.exit(main())
