"""What each group holds of each class, and what of it was answered right."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.confusion import Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """Rows of G groups by class; means over the training seeds where there are several.

    Attributes:
        true: [G, C], rows that have the class.
        predicted: [G, C], rows that were given the class.
        hits: [G, C], rows that have the class and were given it.
    """

    true: Floats
    predicted: Floats
    hits: Floats

    @property
    def present(self) -> NDArray[np.bool_]:
        """[C], classes that have rows."""
        here: NDArray[np.bool_] = self.true.sum(axis=0) > 0
        return here


def group_counts(
    predicted: NDArray[np.generic], labels: Ints, member: Ints, classes: int
) -> GroupCounts:
    """Count the rows of each group by true class, by predicted class and by both.

    Args:
        predicted: [S, n] or [n], in 0..C-1, one row per training seed.
        labels: [n], in 0..C-1.
        member: [n], the group of each row, in 0..G-1.
        classes: C.
    """
    seeds = np.atleast_2d(predicted)
    true = by_group(member, labels, np.ones(len(labels)), classes)
    given, hits = np.zeros_like(true), np.zeros_like(true)
    for one in seeds:
        given += by_group(member, one, np.ones(len(one)), classes)
        hits += by_group(member, labels, (one == labels).astype(np.float64), classes)
    return GroupCounts(true, given / len(seeds), hits / len(seeds))


def by_group(member: Ints, cells: NDArray[np.integer], values: Floats, width: int) -> Floats:
    """[G, width]: the sum of values [n] per group and cell, for cells [n] in 0..width-1."""
    groups = int(member.max()) + 1
    sums: Floats = np.bincount(member * width + cells, values, groups * width).astype(np.float64)
    return sums.reshape(groups, width)


def group_sums(member: Ints, values: NDArray[np.number]) -> Floats:
    """[G]: the sum of values [n] per group."""
    sums: Floats = np.bincount(member, values).astype(np.float64)
    return sums
