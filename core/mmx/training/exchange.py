"""Whether answers are better than others by more than chance: blocks of groups exchange them.

Source: Fisher 1935, The Design of Experiments, 21 (sign flips); Canay, Romano and Shaikh 2017,
doi:10.3982/ECTA13081 (few groups of unequal size); Bonferroni 1936 (several comparisons).
"""

from collections.abc import Callable, Sequence
from math import ceil, log2

import torch
from torch import Tensor

from mmx.interfaces import Task, known_rows
from mmx.spec import TrainSpec
from mmx.training.interfaces import Rows

BLOCKS = 20  # of groups, at most: a score is asked twice for each, and 2^20 signs tell enough
TIE = 1e-9  # share of the gains; sums of the same numbers in another order are equal


def blocks_of(groups: Sequence[str]) -> Tensor:
    """[n], int64: the block in 0..B-1 of each row; groups are dealt to blocks in their order."""
    numbers = {name: index for index, name in enumerate(dict.fromkeys(groups))}
    return torch.tensor([numbers[name] % BLOCKS for name in groups])


def exchanged_gains(
    score: Callable[[Tensor], float], kept: Tensor, new: Tensor, block: Tensor
) -> Tensor:
    """[B], float64: what the new answers of each block add to the difference of the scores.

    Half of what the new answers' score loses where the block answers as before, and half of what
    the kept answers' score gains where it answers anew: so answers of different scale, which mix
    badly, cost both as much. Gains of scores that are sums over rows add up to the difference.

    Args:
        score: of answers [n, ...]; higher is better.
        kept: [n, ...].
        new: [n, ...].
        block: [n], in 0..B-1.
    """
    better, worse = score(new), score(kept)

    def gain(rows: Tensor) -> float:
        there = rows.view(-1, *[1] * (new.ndim - 1))
        without, alone = torch.where(there, kept, new), torch.where(there, new, kept)
        return (better - score(without) + score(alone) - worse) / 2

    values = [gain(block == index) for index in range(int(block.max()) + 1)]
    return torch.tensor(values, dtype=torch.float64)


def chance(gains: Tensor) -> float:
    """Share of all signs that gains [B] may have whose sum is at least theirs, in (0, 1].

    1 where a gain is NaN. Each half of the gains has few sums; pairs of them are counted, not made.
    """
    if not gains.isfinite().all():
        return 1.0
    least = gains.sum() - TIE * gains.abs().sum()
    first, second = _sums(gains[::2]), _sums(gains[1::2]).sort().values
    below = torch.searchsorted(second, least - first)
    return 1 - float(below.double().mean()) / len(second)


def _sums(gains: Tensor) -> Tensor:
    """[2^B], the sums of gains [B] with all signs."""
    sums = gains.new_zeros(1)
    for gain in gains:
        sums = torch.cat([sums + gain, sums - gain])
    return sums


def bound(train: TrainSpec) -> float:
    """What the chance of an epoch may be at most, in (0, 1]; 1: any.

    The doubt is shared by all epochs that are compared with the kept one before training ends.
    """
    if train.confidence is None:
        return 1.0
    return (1 - train.confidence) / comparisons(train)


def comparisons(train: TrainSpec) -> int:
    """How many epochs are compared with a kept one, at most, before training ends."""
    return min(train.early_stopping or train.epochs, train.epochs)


def too_few_groups(part: Rows, task: Task, train: TrainSpec) -> str:
    """Why no later epoch can be better with the confidence that is asked for; empty: one can."""
    groups = len({part.groups[row] for row in known_rows(task, part.labels).tolist()})
    needed = ceil(-log2(bound(train)) - TIE)
    if not groups or min(groups, BLOCKS) >= needed:
        return ""
    confidence, epochs = f"{100 * (train.confidence or 0):.10g} %", comparisons(train)
    asked = f"to say with {confidence} confidence that one of {epochs} epochs is better"
    if needed > BLOCKS:
        return (
            f"No validation part is large enough {asked}, so the first one is kept: set "
            "train.confidence lower."
        )
    return (
        f"The labelled validation rows are of {groups} groups, too few {asked}: the first one is "
        f"kept. {needed} groups would do; or set train.confidence lower, or null: any better score "
        "counts then."
    )
