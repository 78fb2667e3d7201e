"""Areas under ROC curves, also of reweighted samples, and the curves themselves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# scipy ships no type information
from scipy.sparse import csr_array  # type: ignore[import-untyped]

from mmx.evaluation.confusion import Floats, divide
from mmx.evaluation.results import RocCurve

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ranking:
    """How positives and negatives of a class are ordered, summed up per group.

    The K levels are the distinct scores of the positives, rising. Negatives between two levels need
    no order among themselves, which makes rare classes cheap.

    Attributes:
        positives: [G, K] sparse, positives at each level.
        reached: [G, K] sparse, negatives above the level before and not above this one.
        tied: [G, K] sparse, negatives exactly at each level.
        counts: [G, 2], positives and negatives.
    """

    positives: Any
    reached: Any
    tied: Any
    counts: Floats


def rank(scores: Floats, positive: NDArray[np.bool_], member: Ints) -> Ranking:
    """Order the rows of a class once, for any weights of the groups.

    Args:
        scores: [n], of the class.
        positive: [n], bool; rows that have the class, at least one.
        member: [n], the group of each row, in 0..G-1.
    """
    levels = np.unique(scores[positive])
    level = np.searchsorted(levels, scores)  # of a negative above all levels: K
    reached = ~positive & (level < len(levels))
    tied = reached.copy()
    tied[reached] = levels[level[reached]] == scores[reached]

    def sums(rows: NDArray[np.bool_]) -> Any:
        shape = (int(member.max()) + 1, len(levels))
        return csr_array((np.ones(rows.sum()), (member[rows], level[rows])), shape=shape)

    counts = np.stack([np.bincount(member, side) for side in (positive, ~positive)], axis=1)
    return Ranking(sums(positive), sums(reached), sums(tied), counts.astype(np.float64))


def weighted_auroc(ranking: Ranking, weights: Floats) -> Floats:
    """Probability that a positive scores higher than a negative, ties counting half.

    Args:
        ranking: of one class.
        weights: [R, G], how often each group occurs in each of R resamples.

    Returns:
        [R], in [0, 1]; NaN where a side has no weight.

    Source: Mann and Whitney 1947; Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747.
    """
    beaten = np.cumsum(weights @ ranking.reached, axis=1)
    if ranking.tied.nnz:
        beaten -= (weights @ ranking.tied) / 2
    pairs = np.prod(weights @ ranking.counts, axis=1)
    return divide(np.einsum("rk,rk->r", weights @ ranking.positives, beaten), pairs)


def roc_curve(
    name: str, scores: Floats, positive: NDArray[np.bool_], *, points: int = 200
) -> RocCurve:
    """The ROC curve of a class with at most ``points`` points, both ends among them.

    Args:
        name: of the class.
        scores: [n], of the class.
        positive: [n], bool; at least one row of either kind.
        points: at most this many, >= 2.
    """
    thresholds = np.unique(scores)[::-1]
    rank_of = np.searchsorted(-thresholds, -scores)
    hits = np.cumsum(np.bincount(rank_of, positive, minlength=len(thresholds)))
    alarms = np.cumsum(np.bincount(rank_of, ~positive, minlength=len(thresholds)))
    hits, alarms = np.concatenate([[0], hits]), np.concatenate([[0], alarms])
    kept = _thinned(_corners(hits, alarms), points)
    false_positive, true_positive = alarms[kept] / alarms[-1], hits[kept] / hits[-1]
    return RocCurve(name, tuple(false_positive.tolist()), tuple(true_positive.tolist()))


def _corners(hits: NDArray[Any], alarms: NDArray[Any]) -> NDArray[np.intp]:
    """Points where the curve changes its direction, with both ends."""
    up, right = np.diff(hits), np.diff(alarms)
    turns = up[1:] * right[:-1] != up[:-1] * right[1:]
    return np.concatenate([[0], np.flatnonzero(turns) + 1, [len(hits) - 1]])


def _thinned(rows: NDArray[np.intp], points: int) -> NDArray[np.intp]:
    """At most ``points`` rows, evenly chosen."""
    kept: NDArray[np.intp] = rows[
        np.unique(np.linspace(0, len(rows) - 1, points).round().astype(int))
    ]
    return kept
