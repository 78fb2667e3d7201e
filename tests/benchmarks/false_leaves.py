"""How often a training leaves its start for an epoch that is no better, by chance alone.

    python tests/benchmarks/false_leaves.py [--repeats 1000]

Twelve epochs are compared with the start, as `mmx init` writes it (early_stopping: 12). None is
better: answers of all epochs are the same model with noise of rows and groups that goes on from
epoch to epoch, so the start is one of them. Each row prints the share of drawings in which any
epoch takes its place by 1.64 standard errors (jackknife over groups, as mmx did before
train.confidence), by Student's t for twelve comparisons of the same standard errors, and by
train.confidence: 0.95. Nominal is 5 %; with 1,000 drawings its standard error is 0.7.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student

from mmx.spec import TrainSpec
from mmx.training.exchange import blocks_of, bound, chance

EPOCHS = 12
SHARES = (0.40, 0.25, 0.15, 0.10, 0.07, 0.03)  # of the classes: the last has few rows
SIGNAL, ROWS = 1.5, 11
TRAIN = TrainSpec(epochs=60, early_stopping=EPOCHS, confidence=0.95)
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Setting:
    """What is drawn: how many groups, whether each is of one class, noise and its memory."""

    score: str
    groups: int
    same: bool
    noise: float
    memory: float

    def labels(self, member: Ints, rng: np.random.Generator) -> Ints:
        """[n], classes of the rows."""
        drawn = rng.choice(len(SHARES), p=SHARES, size=len(member))
        return drawn[member * ROWS] if self.same else drawn

    def epochs(self, labels: Ints, member: Ints, rng: np.random.Generator) -> Iterator[Floats]:
        """[n], what each row adds to its class at the start and after each epoch."""

        def noise() -> Floats:
            of_groups = rng.normal(size=(self.groups, len(SHARES)))[member]
            return (rng.normal(size=of_groups.shape) + of_groups) / 2**0.5

        base, now = SIGNAL * np.eye(len(SHARES))[labels] + noise(), noise()
        rows = np.arange(len(labels))
        for _ in range(EPOCHS + 1):
            raw = base + self.noise * now
            if self.score == "balanced_accuracy":
                yield (raw.argmax(axis=1) == labels).astype(np.float64)
            else:
                yield raw[rows, labels] - np.log(np.exp(raw).sum(axis=1))
            now = self.memory * now + (1 - self.memory**2) ** 0.5 * noise()

    def leaves(self, rng: np.random.Generator) -> Floats:
        """[3], whether each rule leaves the start."""
        member = np.repeat(np.arange(self.groups), ROWS)
        labels = self.labels(member, rng)
        start, *epochs = self.epochs(labels, member, rng)
        block = blocks_of([*member.astype(str)]).numpy()
        share = 1 / (np.bincount(labels)[labels] * len(np.unique(labels)))
        often = student.isf(0.05 / EPOCHS, min(self.groups, 50) - 1)
        found = np.zeros(3, dtype=bool)
        for new in epochs:
            gains = np.bincount(block, share * (new - start))
            if gains.sum() <= 0:
                continue
            without = left_out(new - start, labels, member % 50)
            error = ((len(without) - 1) * without.var()) ** 0.5
            sure = chance(torch.from_numpy(gains)) <= bound(TRAIN)
            found |= (gains.sum() > 1.64 * error, gains.sum() > often * error, sure)
        return found.astype(np.float64)


def left_out(gained: Floats, labels: Ints, block: Ints) -> Floats:
    """[blocks], difference of the scores, a mean over classes, without each block of groups."""
    cells = block * len(SHARES) + labels
    shape = (int(block.max()) + 1, len(SHARES))
    rows = np.bincount(cells, minlength=np.prod(shape)).reshape(shape)
    sums = np.bincount(cells, gained, np.prod(shape)).reshape(shape)
    rows, sums = rows.sum(axis=0) - rows, sums.sum(axis=0) - sums
    return np.nanmean(np.where(rows > 0, sums / np.maximum(rows, 1), np.nan), axis=1)


def main() -> None:
    """Print one row for each setting as it comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print("| score | groups | a group is | noise | memory | 1.64 | t of 12 | confidence |")
    print("|---|---|---|---|---|---|---|---|")
    drawn = ((False, 0.2, 0.9), (False, 1.0, 0.0), (True, 1.0, 0.9))
    scores = ("balanced_accuracy", "balanced_nll")
    for score, groups, how in product(scores, (8, 24, 100), drawn):
        one, rng = Setting(score, groups, *how), np.random.default_rng(0)
        shares = np.mean([one.leaves(rng) for _ in range(asked.repeats)], axis=0)
        told = " | ".join(f"{share:.1%}" for share in shares)
        kind = "one class" if one.same else "mixed"
        print(f"| {score} | {groups} | {kind} | {one.noise} | {one.memory} | {told} |", flush=True)


if __name__ == "__main__":
    main()
