"""What an evaluation of several labels found: plain numbers, written to and read from JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmx.evaluation.results import (
    Interval,
    ReliabilityBin,
    RocCurve,
    bin_of,
    curve_of,
    interval_of,
    number_of,
    without_nan,
)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """One label, called present from a threshold on.

    Attributes:
        rule: by which the threshold was chosen: youden, sensitivity_95.
        threshold: of the probability; rows at it are called positive.
        sensitivity: share of the positive rows that are called so.
        specificity: share of the negative rows that are not.
    """

    rule: str
    threshold: float
    sensitivity: Interval
    specificity: Interval


@dataclass(frozen=True, slots=True)
class LabelScores:
    """One label, over the rows in which it is known.

    Attributes:
        name: of the label.
        known: rows in which it is known.
        positives: rows in which it is present.
        groups: groups that hold a known row.
        positive_groups: groups that hold a positive row.
        negative_groups: groups that hold a negative row.
        scored: there are enough groups of both kinds, so that it is in the means over labels.
        effective_positives: n*, independent positive rows that would tell as much.
        effective_negatives: n*, the same of negative rows.
        auroc: in [0, 1]; ties count half.
        average_precision: in (0, 1]; by chance it is the prevalence.
        brier: mean squared error of the probability, in [0, 1].
        points: one for each rule of thresholds.
    """

    name: str
    known: int
    positives: int
    groups: int
    positive_groups: int
    negative_groups: int
    scored: bool
    effective_positives: float
    effective_negatives: float
    auroc: Interval
    average_precision: Interval
    brier: Interval
    points: tuple[OperatingPoint, ...]


@dataclass(frozen=True, slots=True)
class LabelEvaluation:
    """The scores of predictions of several labels.

    Attributes:
        labels: in the order of the predictions.
        samples: rows of which a label is known.
        cells: known labels of these rows.
        groups: distinct groups among them.
        effective: n*, samples times the mean share of independent rows of the scored labels.
        scored_labels: those that are in the means over labels.
        metrics: macro_auroc, macro_average_precision, brier and nll (over known labels) and
            probability_gap (mean probability minus share of present labels).
        per_label: one entry for each label.
        reliability: bins of equal mass of all known labels together, by probability.
        roc: one curve for each scored label.
        notes: what a reader has to know about these numbers.
    """

    labels: tuple[str, ...]
    samples: int
    cells: int
    groups: int
    effective: float
    scored_labels: tuple[str, ...]
    metrics: Mapping[str, Interval]
    per_label: tuple[LabelScores, ...]
    reliability: tuple[ReliabilityBin, ...]
    roc: tuple[RocCurve, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``json.dumps``; NaN becomes null."""
        plain: dict[str, Any] = without_nan(asdict(self))
        return plain

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> "LabelEvaluation":
        """Rebuild what ``to_json`` wrote."""
        return LabelEvaluation(
            labels=tuple(plain["labels"]),
            samples=plain["samples"],
            cells=plain["cells"],
            groups=plain["groups"],
            effective=number_of(plain["effective"]),
            scored_labels=tuple(plain["scored_labels"]),
            metrics={name: interval_of(value) for name, value in plain["metrics"].items()},
            per_label=tuple(map(_label_scores, plain["per_label"])),
            reliability=tuple(map(bin_of, plain["reliability"])),
            roc=tuple(map(curve_of, plain["roc"])),
            notes=tuple(plain["notes"]),
        )


def _label_scores(plain: Mapping[str, Any]) -> LabelScores:
    scored = {name: interval_of(plain[name]) for name in ("auroc", "average_precision", "brier")}
    sizes = {name: number_of(plain[name]) for name in plain if name.startswith("effective_")}
    points = tuple(map(_operating_point, plain["points"]))
    return LabelScores(**{**plain, **scored, **sizes, "points": points})


def _operating_point(plain: Mapping[str, Any]) -> OperatingPoint:
    shares = (interval_of(plain[name]) for name in ("sensitivity", "specificity"))
    return OperatingPoint(plain["rule"], number_of(plain["threshold"]), *shares)
