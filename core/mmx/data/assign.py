"""Dealing groups to parts so that every part has its share of every class."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def assign_groups(
    counts: "NDArray[np.int64]", fractions: Sequence[float], seed: int
) -> "NDArray[np.int64]":
    """Deal groups to parts, greedily and stratified.

    Groups with equal class counts are interchangeable: of each such kind, every part first gets
    its whole number, all at once. What is left is dealt one by one, largest kind first, to the
    part where it lowers the squared distance to the wanted class counts most. At last a group
    moves to each part that still lacks a class, when another part can spare one.

    Args:
        counts: [G, C], rows of each class in each group.
        fractions: [P], wanted share of each part; a part with 0 stays empty.
        seed: decides which groups of a kind go where.

    Returns:
        [G], the part of each group. A class of which at least as many groups as parts exist is in
        every part, if each group has one class; with mixed groups as far as moving one group can
        do it.
    """
    shares = np.array(fractions, dtype=np.float64)
    order = np.random.default_rng(seed).permutation(len(counts))
    dealt = counts[order]
    kinds: dict[bytes, int] = {}
    kind_of = [kinds.setdefault(row.tobytes(), len(kinds)) for row in dealt]
    part = np.full(len(counts), -1, dtype=np.int64)
    leftovers = _whole_numbers(part, np.array(kind_of, dtype=np.int64), len(kinds), shares)
    _deal(part, dealt, leftovers, shares)
    _spread(part, dealt, shares)
    result = np.empty_like(part)
    result[order] = part
    return result


def _whole_numbers(
    part: "NDArray[np.int64]",
    kind_of: "NDArray[np.int64]",
    kinds: int,
    shares: "NDArray[np.float64]",
) -> "NDArray[np.int64]":
    """Give every part its whole number of each kind, in place; return the groups that are left."""
    by_kind = np.argsort(kind_of, kind="stable")
    sizes = np.bincount(kind_of, minlength=kinds)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    ranks = np.arange(len(kind_of)) - np.repeat(starts, sizes)  # place of a group within its kind
    # the small number keeps 0.7 * 10 from being 6.999
    ends = np.cumsum(np.floor(sizes[:, None] * shares + 1e-9), axis=1)[kind_of[by_kind]]  # [G, P]
    index = (ranks[:, None] >= ends).sum(axis=1)
    part[by_kind] = np.where(index < len(shares), index, -1)
    return np.flatnonzero(part < 0)


def _deal(
    part: "NDArray[np.int64]",
    counts: "NDArray[np.int64]",
    leftovers: "NDArray[np.int64]",
    shares: "NDArray[np.float64]",
) -> None:
    """Deal the left groups one by one, in place."""
    total = counts.sum(axis=0)
    weight = 1 / np.maximum(total, 1)  # a class counts the same however rare it is
    missing = shares[:, None] * total - _rows_of(part, counts, len(shares))  # [P, C]
    missing[shares == 0] = -np.inf
    for group in leftovers[np.argsort(-counts[leftovers].sum(axis=1), kind="stable")]:
        row = counts[group]
        own = row > 0
        gain = (row[own] * (2 * missing[:, own] - row[own]) * weight[own]).sum(axis=1)
        part[group] = chosen = int(gain.argmax())
        missing[chosen] -= row


def _rows_of(
    part: "NDArray[np.int64]", counts: "NDArray[np.int64]", parts: int
) -> "NDArray[np.int64]":
    """[P, C], rows of each class in each part; groups without a part are left out."""
    rows = np.zeros((parts, counts.shape[1]), dtype=np.int64)
    dealt = part >= 0
    np.add.at(rows, part[dealt], counts[dealt])
    return rows


def _spread(
    part: "NDArray[np.int64]", counts: "NDArray[np.int64]", shares: "NDArray[np.float64]"
) -> None:
    """Move single groups so that every part has every class that has enough groups, in place."""
    has = counts > 0
    wanted = np.flatnonzero(shares > 0)
    held = _rows_of(part, has.astype(np.int64), len(shares))  # [P, C], groups
    for column in np.argsort(has.sum(axis=0), kind="stable"):
        if has[:, column].sum() < len(wanted):
            continue
        for empty in wanted[held[wanted, column] == 0]:
            _move_one(part, counts, has, held, int(column), int(empty))


def _move_one(
    part: "NDArray[np.int64]",
    counts: "NDArray[np.int64]",
    has: "NDArray[np.bool_]",
    held: "NDArray[np.int64]",
    column: int,
    target: int,
) -> None:
    """Move the smallest group of a class whose part keeps another group of all its classes."""
    members = np.flatnonzero(has[:, column])
    spare = np.array([(held[part[one], has[one]] >= 2).all() for one in members])
    if not spare.any():
        return
    free = members[spare]
    size = counts[free].sum(axis=1)
    # of equally small ones, from the part that holds most
    moved = free[np.lexsort((-held[part[free], column], size))[0]]
    held[part[moved]] -= has[moved]
    held[target] += has[moved]
    part[moved] = target
