"""Scores of one run that are shares, or means of shares over the classes, with their intervals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.bounds import (
    Bounds,
    alignments,
    clopper_pearson,
    jeffreys,
    mean_share,
    mover,
)
from mmx.evaluation.confusion import Floats
from mmx.evaluation.counts import GroupCounts
from mmx.evaluation.effective import ClusteredShares, clustered_shares
from mmx.evaluation.results import Interval

Present = NDArray[np.bool_]

FEWEST_GROUPS = 3  # that the score of one class rests on; with fewer it has no interval


@dataclass(frozen=True, slots=True)
class ShareScores:
    """Scores that follow from what was answered.

    Attributes:
        metrics: balanced_accuracy, accuracy and macro_f1; the means over classes have no interval
            where there is only one class.
        per_class: sensitivity, specificity, precision and f1, one interval for each class.
        sensitivity: what the sensitivities rest on, by class.
        effective: n* of all rows together.
    """

    metrics: dict[str, Interval]
    per_class: dict[str, list[Interval]]
    sensitivity: ClusteredShares
    effective: float


def share_scores(counts: GroupCounts) -> ShareScores:
    """Every score that is a share, with its 95 % interval.

    Source: Jeffreys' interval at the effective n for single shares; MOVER over exact bounds for
        means over classes (mmx.evaluation.bounds); F1 as the share 2 TP / (true + predicted).
    """
    true = counts.true
    given = counts.predicted
    hits = counts.hits
    rows = true.sum(axis=1, keepdims=True)
    sensitivity = clustered_shares(true, hits)
    specificity = clustered_shares(rows - true, rows - true - given + hits)
    precision, doubled = clustered_shares(given, hits), clustered_shares(true + given, 2 * hits)
    everything = clustered_shares(rows, hits.sum(axis=1, keepdims=True))
    here = counts.present
    return ShareScores(
        metrics={
            "balanced_accuracy": _of_classes(mean_share(sensitivity), here),
            "accuracy": single_share(everything),
            "macro_f1": _of_classes(_mean_f1(doubled, here), here),
        },
        per_class={
            "sensitivity": _each(sensitivity, sensitivity.groups, here, jeffreys),
            "specificity": _each(specificity, specificity.groups, here, jeffreys),
            "precision": _each(precision, precision.groups, here, jeffreys),
            "f1": _each(doubled, sensitivity.groups, here, clopper_pearson),
        },
        sensitivity=sensitivity,
        effective=float(everything.effective[0]),
    )


def single_share(shares: ClusteredShares) -> Interval:
    """The one share of a single column, with its interval."""
    low, high = jeffreys(shares.share, shares.effective)
    return Interval(float(shares.share[0]), float(low[0]), float(high[0]))


def _of_classes(found: tuple[Floats, Floats, Floats], here: Present) -> Interval:
    """A mean over classes; one class alone has no interval."""
    value, low, high = map(float, found)
    return Interval(value, low, high) if here.sum() > 1 else Interval(value)


def _each(
    shares: ClusteredShares,
    groups: Floats,
    here: Present,
    bounds: Callable[[Floats, Floats], Bounds],
) -> list[Interval]:
    """One interval per class; NaN for absent classes, without bounds below FEWEST_GROUPS."""
    value = np.where(here, shares.share, np.nan)
    enough = groups >= FEWEST_GROUPS
    low, high = (np.where(enough, side, np.nan) for side in bounds(value, shares.effective))
    return [Interval(*row) for row in np.stack([value, low, high], axis=1).tolist()]


def _mean_f1(doubled: ClusteredShares, here: Present) -> tuple[Floats, Floats, Floats]:
    """Macro F1; a class without spread is taken to go half along with the others."""
    aligned = alignments(doubled.residuals)
    still = (doubled.residuals**2).sum(axis=0) == 0
    aligned[still, :] = aligned[:, still] = 0.5
    np.fill_diagonal(aligned, 1.0)
    bounds = clopper_pearson(doubled.share, doubled.effective)
    return mover(doubled.share, bounds, here / here.sum(), aligned)
