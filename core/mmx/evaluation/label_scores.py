"""Score predictions of several labels, with intervals that hold for clustered rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmx.errors import DataError
from mmx.evaluation.auroc import area_value
from mmx.evaluation.average_precision import precision_value
from mmx.evaluation.confusion import Floats, floored
from mmx.evaluation.counts import group_sums
from mmx.evaluation.jackknife import confidence_gap, mean_loss
from mmx.evaluation.label_notes import label_notes
from mmx.evaluation.label_results import LabelEvaluation, LabelScores, OperatingPoint
from mmx.evaluation.operating import operating_points
from mmx.evaluation.ranked_label import RankedLabel, independent_share, means_of_labels, ranked
from mmx.evaluation.ranking import roc_curve
from mmx.evaluation.reliability import reliability
from mmx.evaluation.results import Interval, RocCurve

Ints = NDArray[np.int64]
NONE = Interval(math.nan)


def evaluate_labels(
    log_probs: NDArray[np.float64],
    target: Ints,
    groups: Sequence[str],
    labels: Sequence[str],
    thresholds: Mapping[str, Sequence[float]] | None = None,
) -> LabelEvaluation:
    """Score predictions of several labels, with 95 % intervals that allow for groups of rows.

    Unknown labels are in no score. The means over labels are over those that at least three groups
    have and three groups lack, which depends on the target alone.

    Args:
        log_probs: [n, L, 2], absent and present; the exponentials of the last axis sum to 1.
        target: [n, L] in {0, 1, -1}, -1 for unknown; rows without a known label are left out.
        groups: n names.
        labels: L names.
        thresholds: by rule, one for each label, chosen on other rows: see ``choose_thresholds``.

    Raises:
        DataError: shapes that do not fit, other values, or no known label at all.

    Source: mmx.evaluation.auroc, .average_precision, .operating and .jackknife; Brier 1950.
    """
    log_probs, target = np.asarray(log_probs, dtype=np.float64), np.asarray(target)
    rules = thresholds or {}
    _check(log_probs, target, groups, labels, rules)
    kept = (target >= 0).any(axis=1)
    member = np.unique(np.asarray(groups, dtype=str)[kept], return_inverse=True)[1]
    rows = _Rows(floored(log_probs[kept]), target[kept].astype(np.int64), member.astype(np.int64))
    return _evaluation(rows, labels, rules)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of which some label is known.

    Attributes:
        log_probs: [n, L, 2].
        target: [n, L] in {0, 1, -1}.
        member: [n], in 0..G-1, the group of each row.
    """

    log_probs: Floats
    target: Ints
    member: Ints

    @property
    def groups(self) -> int:
        """How many they are."""
        return int(self.member.max()) + 1

    @property
    def probs(self) -> Floats:
        """[n, L], of each label being present."""
        return np.exp(self.log_probs[..., 1])


def _evaluation(
    rows: _Rows, labels: Sequence[str], rules: Mapping[str, Sequence[float]]
) -> LabelEvaluation:
    probs, target = rows.probs, rows.target
    member = rows.member
    found = ranked(probs, target, member, rows.groups)
    points = operating_points(probs, target, member, rules)
    columns = zip(labels, found, probs.T, target.T, points, strict=True)
    scores = [
        _label_scores(name, one, of, truth, member, there)
        for name, one, of, truth, there in columns
    ]
    where, column = np.nonzero(target >= 0)
    present = target[where, column]
    return LabelEvaluation(
        labels=tuple(labels),
        samples=len(target),
        cells=len(where),
        groups=rows.groups,
        effective=len(target) * independent_share(found),
        scored_labels=tuple(one.name for one in scores if one.scored),
        metrics={
            **means_of_labels(found),
            **_of_probabilities(rows.log_probs[where, column], present, member[where]),
        },
        per_label=tuple(scores),
        reliability=tuple(reliability(probs[where, column], present, member[where])),
        roc=tuple(_curves(labels, found, probs, target)),
        notes=tuple(label_notes(scores, rows.groups, int((target < 0).sum()))),
    )


def quick_labels(log_probs: NDArray[np.float64], target: Ints) -> dict[str, float]:
    """The scores that training looks at after each epoch, without intervals.

    Args:
        log_probs: [n, L, 2], absent and present.
        target: [n, L] in {0, 1, -1}, -1 for unknown.

    Returns:
        macro_auroc and macro_average_precision over the labels that are there in some known rows
        and not in all (NaN where there are none), brier and nll over the known labels.
    """
    log_probs, target = floored(log_probs), np.asarray(target)
    probs, known = np.exp(log_probs[..., 1]), target >= 0
    columns = [(p[k], t[k] == 1) for p, t, k in zip(probs.T, target.T, known.T, strict=True)]
    areas = np.array([area_value(*column) for column in columns])
    precisions = np.array([precision_value(*column) for column in columns])
    defined = np.isfinite(areas)
    where, column = np.nonzero(known)
    present = target[where, column]
    return {
        "macro_auroc": float(areas[defined].mean()) if defined.any() else math.nan,
        "macro_average_precision": float(precisions[defined].mean()) if defined.any() else math.nan,
        "brier": float(((probs[where, column] - present) ** 2).mean()),
        "nll": float(-log_probs[where, column, present].mean()),
    }


def _label_scores(
    name: str, found: RankedLabel, probs: Floats, target: Ints, member: Ints,
    points: tuple[OperatingPoint, ...],
) -> LabelScores:  # fmt: skip
    known = target >= 0
    auroc = NONE
    precise = NONE
    effective = [math.nan, math.nan]
    if found.area is not None and found.precision is not None:
        auroc = Interval(found.area.value, found.area.low, found.area.high)
        auroc = auroc if found.scored else Interval(found.area.value)
        precise, effective = found.precision.interval, found.area.effective.tolist()
    errors: Floats = (probs[known] - target[known]) ** 2
    return LabelScores(
        name=name,
        known=found.rows[0],
        positives=found.rows[1],
        groups=found.groups[0],
        positive_groups=found.groups[1],
        negative_groups=found.groups[2],
        scored=found.scored,
        effective_positives=effective[0],
        effective_negatives=effective[1],
        auroc=auroc,
        average_precision=precise,
        brier=_mean(errors, member[known], 1.0) if known.any() else NONE,
        points=points,
    )


def _of_probabilities(log_probs: Floats, present: Ints, member: Ints) -> dict[str, Interval]:
    """Scores of the probabilities of known labels [m, 2]."""
    probs, rows = np.exp(log_probs[:, 1]), group_sums(member, np.ones(len(member)))
    return {
        "brier": _mean(np.square(probs - present), member, 1.0),
        "nll": _mean(-log_probs[np.arange(len(present)), present], member, math.inf),
        "probability_gap": confidence_gap(
            group_sums(member, probs), group_sums(member, present), rows
        ),
    }


def _mean(losses: Floats, member: Ints, most: float) -> Interval:
    """The mean of losses [m], whose groups need not be all groups."""
    rows, sums = group_sums(member, np.ones(len(losses))), group_sums(member, losses)
    return mean_loss(sums[rows > 0], rows[rows > 0], most=most)


def _curves(
    labels: Sequence[str], found: Sequence[RankedLabel], probs: Floats, target: Ints
) -> list[RocCurve]:
    columns = zip(labels, found, probs.T, target.T, strict=True)
    return [
        roc_curve(name, scores[truth >= 0], truth[truth >= 0] == 1)
        for name, one, scores, truth in columns
        if one.scored
    ]


def _check(
    log_probs: Floats, target: Ints, groups: Sequence[str], labels: Sequence[str],
    thresholds: Mapping[str, Sequence[float]],
) -> None:  # fmt: skip
    """Refuse what cannot be scored."""
    count = len(labels)
    if log_probs.ndim != 3 or log_probs.shape[1:] != (count, 2) or not len(log_probs):
        raise DataError(f"log_probs must be [n >= 1, {count} labels, 2], got {log_probs.shape}")
    if target.shape != log_probs.shape[:2] or len(groups) != len(target):
        raise DataError(
            f"{len(log_probs)} rows of log_probs need a target [{len(log_probs)}, {count}] and as "
            f"many groups, got {target.shape} and {len(groups)}"
        )
    if target.dtype.kind not in "iu" or not np.isin(target, (-1, 0, 1)).all():
        raise DataError("target: give 1 for present, 0 for absent and -1 for unknown, as integers")
    if not (target >= 0).any():
        raise DataError("no label of any row is known, so there is nothing to score")
    wrong = [rule for rule, chosen in thresholds.items() if len(chosen) != count]
    if wrong:
        raise DataError(f"thresholds {wrong[0]}: give one for each of the {count} labels")
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.exp(log_probs).sum(axis=-1)
    if not (np.abs(sums - 1) < 1e-3).all():
        row, label = np.argwhere(~(np.abs(sums - 1) < 1e-3))[0].tolist()
        raise DataError(
            f"row {row}, {labels[label]}: absent and present sum to {sums[row, label]:.4g} as "
            "probabilities, not 1"
        )
