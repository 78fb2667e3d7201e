"""What an evaluation found: plain numbers with their intervals, written to and read from JSON."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmx.interfaces import Interval

__all__ = ["ClassScores", "Evaluation", "Interval", "ReliabilityBin", "RocCurve"]


@dataclass(frozen=True, slots=True)
class ClassScores:
    """One class against the rest; all scores are NaN for a class without samples.

    Attributes:
        name: of the class.
        support: samples with this label.
        groups: groups that have such a sample.
        right_groups: those of them whose samples of this class were all found.
        effective: n*, independent samples that would tell as much of the sensitivity.
        predicted: samples that were given this class.
        sensitivity: share of its samples that were found, in [0, 1].
        specificity: share of the others that were not called so, in [0, 1].
        precision: share of the predictions that were right; NaN when it was never predicted.
        f1: harmonic mean of sensitivity and precision; 0 when it was never predicted.
        auroc: one against the rest, in [0, 1]; ties count half.
    """

    name: str
    support: int
    groups: int
    right_groups: int
    effective: float
    predicted: int
    sensitivity: Interval
    specificity: Interval
    precision: Interval
    f1: Interval
    auroc: Interval


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Samples of similar confidence (probability of the predicted class).

    Attributes:
        count: samples in the bin.
        confidence: their mean confidence, in [0, 1].
        accuracy: share of them that is right, with interval.
    """

    count: int
    confidence: float
    accuracy: Interval


@dataclass(frozen=True, slots=True)
class RocCurve:
    """Points of a one-against-rest ROC curve, thinned for plotting.

    Attributes:
        name: of the class.
        false_positive: rising from 0 to 1.
        true_positive: rising from 0 to 1.
    """

    name: str
    false_positive: tuple[float, ...]
    true_positive: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of one set of predictions.

    Attributes:
        classes: all classes of the task, in the order of the confusion matrix.
        samples: rows that were scored.
        groups: distinct groups among them.
        effective: n*, independent samples that would tell as much of the accuracy.
        absent_classes: classes without a sample; they are left out of every average over classes.
        metrics: balanced_accuracy, accuracy, macro_f1, macro_auroc, confidence_gap (mean
            confidence minus accuracy), ece, classwise_ece, brier, nll.
        per_class: one entry per class.
        confusion: [C, C] counts; row = true class, column = predicted class.
        reliability: bins of equal mass, from low to high confidence.
        roc: one curve per class that has both samples and others.
        notes: what a reader has to know about these numbers.
    """

    classes: tuple[str, ...]
    samples: int
    groups: int
    effective: float
    absent_classes: tuple[str, ...]
    metrics: Mapping[str, Interval]
    per_class: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[ReliabilityBin, ...]
    roc: tuple[RocCurve, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``json.dumps``; NaN becomes null."""
        plain: dict[str, Any] = without_nan(asdict(self))
        return plain

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> "Evaluation":
        """Rebuild what ``to_json`` wrote."""
        return Evaluation(
            classes=tuple(plain["classes"]),
            samples=plain["samples"],
            groups=plain["groups"],
            effective=number_of(plain["effective"]),
            absent_classes=tuple(plain["absent_classes"]),
            metrics={name: interval_of(value) for name, value in plain["metrics"].items()},
            per_class=tuple(map(_class_scores, plain["per_class"])),
            confusion=tuple(tuple(row) for row in plain["confusion"]),
            reliability=tuple(map(bin_of, plain["reliability"])),
            roc=tuple(map(curve_of, plain["roc"])),
            notes=tuple(plain["notes"]),
        )


def without_nan(value: object) -> Any:
    """The same nested data with None for NaN, which JSON cannot say."""
    if isinstance(value, Mapping):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def number_of(value: float | None) -> float:
    """NaN for null."""
    return math.nan if value is None else float(value)


def interval_of(plain: Mapping[str, Any]) -> Interval:
    """An interval as ``to_json`` wrote it."""
    return Interval(*(number_of(plain[name]) for name in ("value", "low", "high")))


def _class_scores(plain: Mapping[str, Any]) -> ClassScores:
    scored = ("sensitivity", "specificity", "precision", "f1", "auroc")
    return ClassScores(
        plain["name"],
        plain["support"],
        plain["groups"],
        plain["right_groups"],
        number_of(plain["effective"]),
        plain["predicted"],
        *(interval_of(plain[name]) for name in scored),
    )


def bin_of(plain: Mapping[str, Any]) -> ReliabilityBin:
    """A bin as ``to_json`` wrote it."""
    confidence = number_of(plain["confidence"])
    return ReliabilityBin(plain["count"], confidence, interval_of(plain["accuracy"]))


def curve_of(plain: Mapping[str, Any]) -> RocCurve:
    """A curve as ``to_json`` wrote it."""
    return RocCurve(plain["name"], tuple(plain["false_positive"]), tuple(plain["true_positive"]))
