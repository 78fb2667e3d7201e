"""Score predictions: values, and intervals by a bootstrap over groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmx.errors import DataError
from mmx.evaluation.bootstrap import Draws, percentile_interval, resampled_weights
from mmx.evaluation.calibration import BINS
from mmx.evaluation.confusion import Floats, count_confusion, floored
from mmx.evaluation.ranking import roc_curve
from mmx.evaluation.results import ClassScores, Evaluation, Interval, ReliabilityBin, RocCurve
from mmx.evaluation.sums import GroupSums, Scores, group_sums

FEWEST = 100  # resamples; percentiles of fewer would pretend to a precision that is not there


def evaluate(
    log_probs: NDArray[Any],
    labels: NDArray[Any],
    groups: Sequence[str],
    classes: Sequence[str],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Evaluation:
    """Score predictions, with 95 % percentile intervals by a bootstrap over groups.

    The bins of both calibration errors stay those of the whole sample in every resample. ECE takes
    absolute values, so it is biased upwards in small samples, and the bootstrap more so: its
    interval may lie above its value.

    Args:
        log_probs: [n, C], n >= 1; each row's exponentials sum to 1.
        labels: [n], in 0..C-1.
        groups: n names (lesion, patient, study); whole groups are resampled.
        classes: C names.
        resamples: of the bootstrap; 0 gives values without intervals.
        seed: of the resampling.

    Raises:
        DataError: lengths that do not fit, labels outside 0..C-1, or rows that are no
            log probabilities.

    Source: Efron and Tibshirani 1993 (percentile interval); Guo et al. 2017, arXiv:1706.04599
        (ECE); Kull et al. 2019, arXiv:1910.12656 (class-wise ECE); Brier 1950.
    """
    log_probs, labels = np.asarray(log_probs, dtype=np.float64), np.asarray(labels)
    _check(log_probs, labels, groups, classes)
    log_probs, labels = floored(log_probs), labels.astype(np.int64)
    names, member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    sums = group_sums(log_probs, labels, member.astype(np.int64))
    measured, draws = _measure(sums, len(names), resamples, seed)
    confusion = count_confusion(log_probs, labels)
    return Evaluation(
        classes=tuple(classes),
        samples=len(labels),
        groups=len(names),
        absent_classes=tuple(np.asarray(classes, dtype=object)[~sums.present]),
        metrics={name: intervals[0] for name, intervals in measured.metrics.items()},
        per_class=tuple(_class_scores(classes, sums, confusion, measured.per_class)),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        reliability=tuple(_reliability(np.exp(log_probs.max(axis=1)), sums, measured.bins)),
        roc=tuple(_roc(log_probs, labels, classes, sums)),
        resamples=draws.kept,
        redrawn=draws.redrawn,
        seed=seed,
        notes=tuple(_notes(classes, sums, draws, resamples)),
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    """Intervals by name: one for each metric, one per class, one per reliability bin."""

    metrics: dict[str, list[Interval]]
    per_class: dict[str, list[Interval]]
    bins: list[Interval]


def _measure(sums: GroupSums, groups: int, resamples: int, seed: int) -> tuple[_Measured, Draws]:
    """Values of the sample itself, and the spread of its resamples where there are enough."""
    value, draws = sums.score(np.ones((1, groups))), Draws()
    weights = resampled_weights(sums.labels, resamples, seed, draws)
    resampled = [sums.score(chunk) for chunk in weights]
    enough = draws.kept >= min(FEWEST, max(resamples, 1))
    spread = _joined(resampled) if enough else value
    bins = _intervals({"bin": value.bin_accuracy}, {"bin": spread.bin_accuracy}, enough)
    metrics = _intervals(value.metrics, spread.metrics, enough)
    return _Measured(
        metrics, _intervals(value.per_class, spread.per_class, enough), bins["bin"]
    ), draws


def _roc(
    log_probs: Floats, labels: NDArray[np.int64], classes: Sequence[str], sums: GroupSums
) -> list[RocCurve]:
    return [
        roc_curve(name, log_probs[:, label], labels == label)
        for label, name in enumerate(classes)
        if sums.rankings[label] is not None
    ]


def _joined(scores: Sequence[Scores]) -> Scores:
    """The scores of all chunks behind each other."""
    return Scores(
        {name: np.concatenate([s.metrics[name] for s in scores]) for name in scores[0].metrics},
        {name: np.concatenate([s.per_class[name] for s in scores]) for name in scores[0].per_class},
        np.concatenate([s.bin_accuracy for s in scores]),
    )


def _intervals(
    values: Mapping[str, Floats], spread: Mapping[str, Floats], enough: bool
) -> dict[str, list[Interval]]:
    """For each name one interval per column; without bounds when there are too few resamples."""
    found = {}
    for name, value in values.items():
        point = np.atleast_1d(value[0])
        low, high = percentile_interval(spread[name]) if enough else (np.nan, np.nan)
        columns = np.broadcast_arrays(point, low, high)
        rows = np.stack(columns, axis=1)
        rows[np.isnan(point)] = np.nan
        found[name] = [Interval(*row) for row in rows.tolist()]
    return found


def _class_scores(
    classes: Sequence[str],
    sums: GroupSums,
    confusion: NDArray[np.int64],
    scores: Mapping[str, list[Interval]],
) -> list[ClassScores]:
    support, predicted = confusion.sum(axis=1).tolist(), confusion.sum(axis=0).tolist()
    groups = (sums.labels > 0).sum(axis=0).tolist()
    return [
        ClassScores(
            name,
            support[index],
            groups[index],
            predicted[index],
            **{score: intervals[index] for score, intervals in scores.items()},
        )
        for index, name in enumerate(classes)
    ]


def _reliability(
    confidence: Floats, sums: GroupSums, accuracies: Sequence[Interval]
) -> list[ReliabilityBin]:
    counts = np.bincount(sums.top_bin, minlength=BINS)
    totals = np.bincount(sums.top_bin, confidence, minlength=BINS)
    return [
        ReliabilityBin(int(count), float(total / count), accuracy)
        for count, total, accuracy in zip(counts, totals, accuracies, strict=True)
        if count
    ]


def _notes(classes: Sequence[str], sums: GroupSums, draws: Draws, resamples: int) -> list[str]:
    """Plain sentences about classes that are missing or rest on too little."""
    groups = np.asarray((sums.labels > 0).sum(axis=0))
    named = list(zip(classes, groups.tolist(), strict=True))
    absent = [name for name, count in named if count == 0]
    few = [f"{name} ({count})" for name, count in named if 0 < count < 10]
    notes = []
    if absent:
        notes.append(f"no samples of {', '.join(absent)}: left out of every average over classes")
    if few:
        notes.append(f"fewer than 10 groups, so intervals are rough: {', '.join(few)}")
    if draws.redrawn:
        lost = f"{draws.redrawn:,} resamples lacked a class"
        notes.append(f"{lost} and were drawn again; {draws.kept:,} were kept")
    if draws.kept < resamples:
        missing = "" if draws.kept >= FEWEST else ", too few for intervals"
        notes.append(f"only {draws.kept:,} of {resamples:,} resamples had all classes{missing}")
    return notes


def _check(
    log_probs: Floats, labels: NDArray[Any], groups: Sequence[str], classes: Sequence[str]
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
