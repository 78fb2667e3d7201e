"""ROC curves, thinned for plotting."""

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.confusion import Floats
from mmx.evaluation.results import RocCurve


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


def _corners(hits: NDArray[np.generic], alarms: NDArray[np.generic]) -> NDArray[np.intp]:
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
