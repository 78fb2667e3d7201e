"""Sums per group from which every score of any reweighted sample follows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# scipy ships no type information
from scipy.sparse import csr_array  # type: ignore[import-untyped]

from mmx.evaluation.calibration import BINS, equal_mass_bins
from mmx.evaluation.confusion import Floats, class_shares, divide
from mmx.evaluation.ranking import Ranking, rank, weighted_auroc

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of R reweighted samples.

    Attributes:
        metrics: [R] by name; averages over classes leave out absent classes.
        per_class: [R, C] by name; NaN for absent classes.
        bin_accuracy: [R, BINS] of the reliability bins; NaN for a bin without weight.
    """

    metrics: dict[str, Floats]
    per_class: dict[str, Floats]
    bin_accuracy: Floats


@dataclass(frozen=True, slots=True)
class GroupSums:
    """Sufficient statistics of G groups; calibration bins are those of the whole sample.

    Attributes:
        labels: [G, C] sparse, rows per class.
        confusion: [G, C * C] sparse, rows per true and predicted class.
        bins: three [G, BINS] sparse: rows, right answers, and confidence minus right answers.
        class_gaps: [G, C * BINS] sparse, probability minus membership per class and bin.
        losses: [G, 2], Brier and NLL.
        rankings: one per class; None for a class without samples or without others.
        top_bin: [n], the reliability bin of each row.
        present: [C], classes that have samples.
    """

    labels: Any
    confusion: Any
    bins: tuple[Any, Any, Any]
    class_gaps: Any
    losses: Floats
    rankings: tuple[Ranking | None, ...]
    top_bin: Ints
    present: NDArray[np.bool_]

    def score(self, weights: Floats) -> Scores:
        """Every score of R samples, in which group g occurs ``weights[r, g]`` times ([R, G])."""
        classes = len(self.present)
        confusion = (weights @ self.confusion).reshape(len(weights), classes, classes)
        per_class = class_shares(confusion)
        per_class["auroc"] = self._auroc(weights)
        here, total = self.present, confusion.sum(axis=(1, 2))
        rows, right, gap = (weights @ part for part in self.bins)
        gaps = np.abs(weights @ self.class_gaps).reshape(len(weights), classes, BINS).sum(axis=2)
        brier, nll = (weights @ self.losses).T / total
        metrics = {
            "balanced_accuracy": per_class["sensitivity"][:, here].mean(axis=1),
            "accuracy": np.trace(confusion, axis1=1, axis2=2) / total,
            "macro_f1": per_class["f1"][:, here].mean(axis=1),
            "macro_auroc": per_class["auroc"][:, here].mean(axis=1),
            "ece": np.abs(gap).sum(axis=1) / total,
            "classwise_ece": gaps[:, here].mean(axis=1) / total,
            "brier": brier,
            "nll": nll,
        }
        return Scores(metrics, per_class, divide(right, rows))

    def _auroc(self, weights: Floats) -> Floats:
        """[R, C]."""
        unknown = np.full(len(weights), np.nan)
        columns = [
            unknown if ranking is None else weighted_auroc(ranking, weights)
            for ranking in self.rankings
        ]
        return np.stack(columns, axis=1)


def group_sums(log_probs: Floats, labels: Ints, member: Ints) -> GroupSums:
    """Sum up what each group adds to every score.

    Args:
        log_probs: [n, C].
        labels: [n], in 0..C-1.
        member: [n], the group of each row, in 0..G-1.
    """
    classes = log_probs.shape[1]
    probs = np.exp(log_probs)
    truth = np.eye(classes)[labels]
    predicted = log_probs.argmax(axis=1)
    confidence, right = probs.max(axis=1), (predicted == labels).astype(np.float64)
    top_bin = equal_mass_bins(confidence)
    class_bins = np.stack([equal_mass_bins(column) for column in probs.T], axis=1)
    cells = class_bins + BINS * np.arange(classes)
    ones = np.ones(len(labels))
    brier = ((probs - truth) ** 2).sum(axis=1)
    nll = -log_probs[np.arange(len(labels)), labels]
    losses = np.stack([np.bincount(member, brier), np.bincount(member, nll)], axis=1)
    return GroupSums(
        labels=_sums(member, labels, ones, classes),
        confusion=_sums(member, labels * classes + predicted, ones, classes**2),
        bins=(
            _sums(member, top_bin, ones, BINS),
            _sums(member, top_bin, right, BINS),
            _sums(member, top_bin, confidence - right, BINS),
        ),
        class_gaps=_sums(
            np.repeat(member, classes), cells.ravel(), (probs - truth).ravel(), classes * BINS
        ),
        losses=losses.astype(np.float64),
        rankings=tuple(_rankings(log_probs, labels, member)),
        top_bin=top_bin,
        present=np.bincount(labels, minlength=classes) > 0,
    )


def _sums(member: Ints, cells: Ints, values: Floats, width: int) -> Any:
    """[G, width] sparse: the sum of values per group and cell."""
    return csr_array((values, (member, cells)), shape=(int(member.max()) + 1, width))


def _rankings(log_probs: Floats, labels: Ints, member: Ints) -> list[Ranking | None]:
    members = [labels == label for label in range(log_probs.shape[1])]
    return [
        rank(scores, positive, member) if 0 < positive.sum() < len(positive) else None
        for scores, positive in zip(log_probs.T, members, strict=True)
    ]
