"""Score predictions: values with intervals that hold for clustered rows, in closed form."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmx.errors import DataError
from mmx.evaluation.auroc import Area, area, mean_area
from mmx.evaluation.calibration import classwise_error, expected_error
from mmx.evaluation.confusion import Floats, confusion_of, floored
from mmx.evaluation.counts import GroupCounts, group_counts
from mmx.evaluation.jackknife import confidence_gap, mean_loss
from mmx.evaluation.notes import reading_notes
from mmx.evaluation.ranking import roc_curve
from mmx.evaluation.reliability import reliability
from mmx.evaluation.results import ClassScores, Evaluation, Interval, RocCurve
from mmx.evaluation.shares import FEWEST_GROUPS, ShareScores, share_scores

Ints = NDArray[np.int64]


def evaluate(
    log_probs: NDArray[np.float64],
    labels: NDArray[np.int64],
    groups: Sequence[str],
    classes: Sequence[str],
    *,
    answers: NDArray[np.generic] | None = None,
) -> Evaluation:
    """Score predictions, with 95 % intervals that allow for groups of rows; nothing is drawn.

    Shares and their means over classes have exact bounds at an effective number of rows, AUROC
    Newcombe's bounds, losses a jackknife over groups. ECE takes absolute values, so it is biased
    upwards and no interval of it holds; ``confidence_gap`` is its signed kin, which has one.

    Args:
        log_probs: [n, C], n >= 1; each row's exponentials sum to 1.
        labels: [n], in 0..C-1.
        groups: n names (lesion, patient, study); rows of a group are no independent evidence.
        classes: C names.
        answers: [n], in 0..C-1, what each row was answered; None: its most probable class.

    Raises:
        DataError: lengths that do not fit, labels outside 0..C-1, or rows that are no
            log probabilities.

    Source: mmx.evaluation.shares, .auroc and .jackknife; Guo et al. 2017, arXiv:1706.04599 (ECE);
        Kull et al. 2019, arXiv:1910.12656 (class-wise ECE); Brier 1950.
    """
    log_probs, labels = np.asarray(log_probs, dtype=np.float64), np.asarray(labels)
    _check(log_probs, labels, groups, classes)
    log_probs, labels = floored(log_probs), labels.astype(np.int64)
    answered = log_probs.argmax(axis=1) if answers is None else np.asarray(answers, dtype=np.int64)
    member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1].astype(np.int64)
    return _evaluation(_Rows(log_probs, labels, member, answered), classes)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Answered rows.

    Attributes:
        log_probs: [n, C].
        labels: [n], in 0..C-1.
        member: [n], in 0..G-1, the group of each row.
        answered: [n], in 0..C-1.
    """

    log_probs: Floats
    labels: Ints
    member: Ints
    answered: Ints

    @property
    def confidence(self) -> Floats:
        """[n], the probability of each answer."""
        return np.exp(self.log_probs[np.arange(len(self.labels)), self.answered])

    @property
    def right(self) -> NDArray[np.bool_]:
        """[n], whether the answer is the label."""
        right: NDArray[np.bool_] = self.answered == self.labels
        return right

    def by_group(self, values: NDArray[np.generic]) -> Floats:
        """[G], sums of values [n]."""
        return np.bincount(self.member, values).astype(np.float64)


def _evaluation(rows: _Rows, classes: Sequence[str]) -> Evaluation:
    counts = group_counts(rows.answered, rows.labels, rows.member, len(classes))
    shares, areas = share_scores(counts), _areas(rows)
    confusion = confusion_of(rows.answered, rows.labels, len(classes))
    return Evaluation(
        classes=tuple(classes),
        samples=len(rows.labels),
        groups=int(rows.member.max()) + 1,
        effective=shares.effective,
        absent_classes=tuple(np.asarray(classes, dtype=object)[~counts.present]),
        metrics=_metrics(rows, shares, areas),
        per_class=tuple(_class_scores(classes, counts, confusion, shares, areas)),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        reliability=tuple(reliability(rows.confidence, rows.right, rows.member)),
        roc=tuple(_roc(rows, classes, areas)),
        notes=tuple(reading_notes(classes, counts, shares)),
    )


def _areas(rows: _Rows) -> list[Area | None]:
    """One against the rest; None for a class without rows or without others."""
    return [
        area(scores, rows.labels == label, rows.member)
        for label, scores in enumerate(rows.log_probs.T)
    ]


def _metrics(rows: _Rows, shares: ShareScores, areas: Sequence[Area | None]) -> dict[str, Interval]:
    """All metrics by name, in the order in which they are shown."""
    probs, truth = np.exp(rows.log_probs), np.eye(rows.log_probs.shape[1])[rows.labels]
    confidence, right = rows.confidence, rows.right
    defined = [one for one in areas if one is not None]
    brier = ((probs - truth) ** 2).sum(axis=1)
    nll = -rows.log_probs[np.arange(len(rows.labels)), rows.labels]
    count = np.bincount(rows.member).astype(np.float64)
    return {
        **shares.metrics,
        "macro_auroc": mean_area(defined) if defined else Interval(np.nan),
        "confidence_gap": confidence_gap(rows.by_group(confidence), rows.by_group(right), count),
        "ece": Interval(expected_error(confidence, right)),
        "classwise_ece": Interval(classwise_error(probs, truth)),
        "brier": mean_loss(rows.by_group(brier), count, most=2.0),
        "nll": mean_loss(rows.by_group(nll), count),
    }


def _class_scores(
    classes: Sequence[str],
    counts: GroupCounts,
    confusion: NDArray[np.int64],
    shares: ShareScores,
    areas: Sequence[Area | None],
) -> list[ClassScores]:
    support, predicted = confusion.sum(axis=1).tolist(), confusion.sum(axis=0).tolist()
    groups, right = (counts.true > 0).sum(axis=0), (counts.true > 0) & (counts.hits == counts.true)
    return [
        ClassScores(
            name=name,
            support=support[index],
            groups=int(groups[index]),
            right_groups=int(right[:, index].sum()),
            effective=float(shares.sensitivity.effective[index]),
            predicted=predicted[index],
            **{score: intervals[index] for score, intervals in shares.per_class.items()},
            auroc=_area_of_class(areas[index], int(groups[index])),
        )
        for index, name in enumerate(classes)
    ]


def _area_of_class(found: Area | None, groups: int) -> Interval:
    if found is None:
        return Interval(np.nan)
    interval = Interval(found.value, found.low, found.high)
    return interval if groups >= FEWEST_GROUPS else replace(interval, low=np.nan, high=np.nan)


def _roc(rows: _Rows, classes: Sequence[str], areas: Sequence[Area | None]) -> list[RocCurve]:
    return [
        roc_curve(name, rows.log_probs[:, label], rows.labels == label)
        for label, name in enumerate(classes)
        if areas[label] is not None
    ]


def _check(
    log_probs: Floats, labels: NDArray[np.generic], groups: Sequence[str], classes: Sequence[str]
) -> None:
    """Refuse what cannot be scored."""
    shape, count = log_probs.shape, len(classes)
    if log_probs.ndim != 2 or shape[0] == 0 or shape[1] != count:
        raise DataError(f"log_probs must be [n >= 1, {count} classes], got {list(shape)}")
    if labels.shape != (shape[0],) or len(groups) != shape[0]:
        raise DataError(
            f"{shape[0]} rows of log_probs need as many labels and groups, "
            f"got {list(labels.shape)} and {len(groups)}"
        )
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= count:
        raise DataError(
            f"labels must be integers in 0..{count - 1}; leave out rows without a label"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.exp(log_probs).sum(axis=1)
    if not (np.abs(sums - 1) < 1e-3).all():
        row = int(np.flatnonzero(~(np.abs(sums - 1) < 1e-3))[0])
        raise DataError(
            f"row {row} of log_probs sums to {sums[row]:.4g} as probabilities, not 1; "
            "apply log_softmax first"
        )
