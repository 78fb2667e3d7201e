"""What blocks of rows add to the difference of two sets of answers to several labels.

In closed form: each row is looked at a few times, where exchanging the answers of one block after
the other scores all rows twice for each of them.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.confusion import Floats, floored

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def label_gains(name: str, kept: Floats, new: Floats, target: Ints, block: Ints) -> Floats | None:
    """[B], what the new answers of each block add to a score of ``quick_labels``; positive: better.

    Half of what the new answers lose where the block answers as before, and half of what the kept
    ones gain where it answers anew. The gains add up to the difference.

    Args:
        name: of the score.
        kept: [n, L, 2], log-probabilities of absent and present.
        new: [n, L, 2].
        target: [n, L] in {0, 1, -1}, -1 for unknown.
        block: [n], in 0..B-1, each with a row.

    Returns:
        None for macro_average_precision, which is no sum over rows or pairs of them.
    """
    kept, new = floored(kept), floored(new)
    if name == "macro_auroc":
        before, after = (np.exp(one[..., 1]) for one in (kept, new))
        return _sums(block, _area_gains(before, after, target))
    if name not in LOSSES:
        return None
    known = target >= 0
    less = LOSSES[name](kept, target) - LOSSES[name](new, target)
    return _sums(block, np.where(known, less, 0).sum(axis=1) / known.sum())


def _sums(block: Ints, each: Floats) -> Floats:
    """[B], sums of what the rows [n] of each block add."""
    return np.asarray(np.bincount(block, each), dtype=np.float64)


def _area_gains(before: Floats, after: Floats, target: Ints) -> Floats:
    """[n], gains of the rows in the mean area over the labels that have one.

    Pairs of rows of one block are won alike in both exchanges. What is left is a sum over rows:
    of how many more rows of the other kind, answered as before and anew, the new answer of a row
    is on the right side.
    """
    present, absent = target == 1, target == 0
    defined = (present.any(axis=0) & absent.any(axis=0)).nonzero()[0]
    gains = np.zeros(len(target))
    for label in defined:
        scores = before[:, label], after[:, label]
        own, others = present[:, label], absent[:, label]
        pairs = 2 * float(own.sum()) * float(others.sum())
        gains[own] += _passed(*scores, own, others) / pairs
        gains[others] -= _passed(*scores, others, own) / pairs
    return gains / max(len(defined), 1)


def _passed(before: Floats, after: Floats, own: Bools, others: Bools) -> Floats:
    """[m], how many more of the others' scores, before and after, each own row is above now."""
    pool = np.sort(np.concatenate([before[others], after[others]]))
    return _below(pool, after[own]) - _below(pool, before[own])


def _below(pool: Floats, scores: Floats) -> Floats:
    """[m], how many of a sorted pool each score is above; ties count half."""
    left, right = (np.searchsorted(pool, scores, side) for side in ("left", "right"))
    halves: Floats = (left + right) / 2
    return halves


def _brier(log_probs: Floats, target: Ints) -> Floats:
    """[n, L]; of unknown labels it means nothing."""
    return np.square(np.exp(log_probs[..., 1]) - target)


def _nll(log_probs: Floats, target: Ints) -> Floats:
    """[n, L], in nats; of unknown labels it means nothing."""
    return -np.take_along_axis(log_probs, target.clip(min=0)[..., None], axis=-1)[..., 0]


LOSSES: Mapping[str, Callable[[Floats, Ints], Floats]] = {"brier": _brier, "nll": _nll}
"""Scores that are means over the known labels -> what each of them adds."""
