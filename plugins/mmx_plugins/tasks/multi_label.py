"""Multi-label: each case has any of several labels, of which some may be unknown; a sigmoid each.

Unknown labels are in no score, and in the loss as ``unknown`` says. The headline is the mean AUROC
over the labels that enough groups have and enough lack; thresholds are chosen on validation.

Source: Irvin et al. 2019, CheXpert, arXiv:1901.07031 (unknown labels and what may be done with
them); the scores are those of mmx.evaluation.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from mmx import DataError, Params, hookimpl
from mmx.blocks import Sigmoid
from mmx.evaluation import (
    EvaluationScores,
    LabelEvaluation,
    LabelScores,
    choose_thresholds,
    evaluate_labels,
    quick_labels,
)
from mmx.interfaces import (
    Grid,
    Interval,
    Line,
    Link,
    MetricWords,
    Plot,
    Sample,
    ScoreRow,
    ScoreSection,
    ScoreTable,
    Strata,
    Summary,
    Target,
    Task,
    TaskParams,
    Value,
    WrongAnswer,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNKNOWN = -1
RULE = "youden"  # of the threshold by which a label is called present
RULES = (RULE, "sensitivity_95")


class MultiLabelParams(TaskParams):
    """Each case has any of several labels; some may be unknown."""

    type: Literal["multi_label"] = "multi_label"
    source: ClassVar[str] = "Irvin et al. 2019, arXiv:1901.07031 (unknown labels)"
    default_loss: ClassVar[str] = "bce"
    selects: ClassVar[Mapping[str, bool]] = {
        "macro_auroc": True, "macro_average_precision": True, "brier": False, "nll": False,
    }  # fmt: skip
    unknown: Literal["ignore", "negative", "positive"] = Field(
        default="ignore",
        description="what a blank or -1 means for the loss; in the scores it is always left out",
    )

    def build(self, names: Sequence[str], state: Mapping[str, Any] | None = None) -> "MultiLabel":
        given = (state or {}).get("thresholds", {})
        thresholds = {str(rule): tuple(map(float, of)) for rule, of in given.items()}
        return MultiLabel(names, self.unknown, thresholds)


class MultiLabel(Task):
    """One sigmoid for each of L labels; target [n, L] in {0, 1, -1}, -1 for unknown."""

    type = "multi_label"

    def __init__(
        self,
        names: Sequence[str],
        unknown: str = "ignore",
        thresholds: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        self.names = tuple(names)
        self.thresholds = {rule: tuple(of) for rule, of in (thresholds or {}).items()}
        self._unknown = unknown

    def target(self, sample: Sample) -> Target:
        read = [(name, _read(sample.labels.get(name))) for name in self.names]
        value = tuple(UNKNOWN if one is None else one for _, one in read)
        strange = [name for name, one in read if one is None]
        if strange:
            cell = sample.labels[strange[0]]
            return Target(
                (UNKNOWN,) * len(value),
                f"column {strange[0]!r} of labels holds {cell!r}, which is none of 1, 0, -1 and "
                "blank",
            )
        fault = "" if any(one != UNKNOWN for one in value) else "has no known label"
        return Target(value, fault)

    def known(self, target: Tensor) -> Tensor:
        return (target >= 0).any(dim=1)

    def for_training(self, target: Tensor) -> Tensor:
        if self._unknown == "ignore":
            return target
        return target.masked_fill(target < 0, 1 if self._unknown == "positive" else 0)

    def strata(self, target: "NDArray[Any]") -> Sequence[Strata]:
        return tuple(
            Strata(name, ("absent", "present"), target[:, index])
            for index, name in enumerate(self.names)
        )

    def counts(self, target: Tensor) -> Tensor:
        seen = self.for_training(target)
        return torch.stack([(seen == value).sum(dim=0) for value in (0, 1, UNKNOWN)], dim=1)

    def check(self, target: "NDArray[Any]", part: str = "") -> None:
        if not self.names:
            raise DataError(
                "task: multi_label needs several columns of labels: data.dataset.labels: [a, b]"
            )
        told = [name for name, of in zip(self.names, target.T, strict=True) if _both(of)]
        if part and not told:
            raise DataError(
                f"no label of the {part} part is present in some rows and absent in others: "
                "there is nothing to learn to tell apart"
            )

    def words(self, target: "NDArray[Any]") -> "NDArray[np.object_]":
        found = np.empty(len(target), dtype=object)
        found[:] = [self._words(row) for row in target.tolist()]
        return found

    def _words(self, row: Sequence[int]) -> str:
        if all(one == UNKNOWN for one in row):
            return ""
        there = [name for name, one in zip(self.names, row, strict=True) if one == 1]
        unknown = [name for name, one in zip(self.names, row, strict=True) if one == UNKNOWN]
        told = " + ".join(there) or "none"
        return f"{told}; unknown: {', '.join(unknown)}" if unknown else told

    def link(self) -> Link:
        return Sigmoid(len(self.names))

    def part_loss(self, log_probs: Tensor, target: Tensor) -> Tensor:
        known = target >= 0
        chosen = target.clamp(min=0)[..., None]
        each = -log_probs.gather(-1, chosen)[..., 0].masked_fill(~known, 0)
        return each.sum(dim=1) / known.sum(dim=1).clamp(min=1)

    def quick_scores(self, log_probs: "NDArray[Any]", target: "NDArray[Any]") -> dict[str, float]:
        return quick_labels(log_probs, target)

    def evaluate(
        self, log_probs: "NDArray[Any]", target: "NDArray[Any]", groups: Sequence[str]
    ) -> "MultiLabelScores":
        return MultiLabelScores(
            evaluate_labels(log_probs, target, groups, self.names, self.thresholds)
        )

    def fitted(self, log_probs: Tensor, target: Tensor, groups: Sequence[str]) -> "MultiLabel":
        probs = log_probs.double()[..., 1].exp().numpy()
        chosen = {rule: choose_thresholds(probs, target.numpy(), rule) for rule in RULES}
        return MultiLabel(self.names, self._unknown, chosen)

    def state(self) -> dict[str, Any]:
        return {"thresholds": {rule: list(of) for rule, of in self.thresholds.items()}}

    def values(self, log_probs: Tensor) -> Tensor:
        return log_probs[..., 1].exp()

    def predicted(self, log_probs: Tensor) -> Tensor:
        return log_probs[..., 1].argmax(dim=1)

    def called(self, log_probs: Tensor) -> Tensor:
        """[n, L], bool: labels whose probability reaches their threshold; 0.5 where none is."""
        probs = log_probs.double()[..., 1].exp()
        limits = self.thresholds.get(RULE, (0.5,) * len(self.names))
        return probs >= torch.tensor(limits, dtype=torch.float64)

    def answers(self, log_probs: Tensor) -> "dict[str, NDArray[Any]]":
        called = self.called(log_probs).long().numpy()
        columns = {f"predicted_{name}": called[:, at] for at, name in enumerate(self.names)}
        return {"predicted": self.words(called), **columns}

    def truths(self, target: Tensor) -> "dict[str, NDArray[Any]]":
        plain = target.numpy()
        cells = np.where(plain < 0, np.nan, plain.astype(np.float64))
        columns = {f"label_{name}": cells[:, at] for at, name in enumerate(self.names)}
        words = self.words(plain)
        words[words == ""] = None
        return {"label": words, **columns}

    def wrong(self, log_probs: Tensor, target: Tensor, most: int) -> Sequence[WrongAnswer]:
        """Labels that are called or missed against the truth, the most confident first."""
        probs, called = log_probs[..., 1].exp(), self.called(log_probs)
        mistaken = (target >= 0) & (called != (target == 1))
        confidence = torch.where(called, probs, 1 - probs)
        indices = mistaken.nonzero()
        order = confidence[mistaken].argsort(descending=True)[:most]
        return [
            self._wrong(row, label, bool(called[row, label]), float(confidence[row, label]))
            for row, label in indices[order].tolist()
        ]

    def _wrong(self, row: int, label: int, called: bool, confidence: float) -> WrongAnswer:
        there, not_there = f"{self.names[label]}: present", f"{self.names[label]}: absent"
        true, predicted = (not_there, there) if called else (there, not_there)
        return WrongAnswer(row, label, true, predicted, confidence, 1 - confidence)


def _read(cell: Value) -> int | None:
    """1, 0 or -1 of a cell; None for anything else."""
    if cell is None or cell == "":
        return UNKNOWN
    try:
        number = float(cell)
    except ValueError:
        return None
    return int(number) if number in (0, 1, UNKNOWN) else None


def _both(column: "NDArray[Any]") -> bool:
    return bool((column == 0).any() and (column == 1).any())


class MultiLabelScores(EvaluationScores[LabelEvaluation]):
    """The scores of one set of predictions, and how a report shows them."""

    @property
    def described(self) -> Mapping[str, MetricWords]:
        return {
            "macro_auroc": MetricWords(
                "Macro AUROC", "mean over the labels: how well present and absent are told apart"
            ),
            "macro_average_precision": MetricWords(
                "Macro average precision", "area under precision over sensitivity, mean over labels"
            ),
            "brier": MetricWords(
                "Brier score", "squared error of the probability of a label", lower=True
            ),
            "nll": MetricWords("NLL", "negative log likelihood of a label, nats", True, False),
            "probability_gap": MetricWords(
                "Probability gap",
                "mean probability minus share of labels that are present",
                share=False,
            ),
        }

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "classes": list(self.found.labels)}

    def summary(self, group: str) -> Summary:
        headline = self.metrics["macro_auroc"]
        known = isfinite(headline.low) and isfinite(headline.high)
        return Summary(
            metric="macro_auroc",
            title="macro AUROC",
            headline=headline,
            ends=f"95\u202f% interval {headline.ends()}" if known else "no interval",
            meaning=_meaning(self.found, group),
            measured=(
                f"Measured on {self.found.cells:,} known labels of {self.samples:,} samples from "
                f"{self.groups:,} {_many(group)}. Ranking at random would reach 0.5."
            ),
            intervals=(
                f"Intervals hold for 95 % and allow for several samples of one {group}. They hold "
                "for this trained model: another training seed would add to them. Unknown labels "
                "are in no score."
            ),
            guess=0.5,
            form=".3f",
            compared=("macro_auroc", "macro_average_precision", "brier", "nll"),
        )

    def sections(self, group: str) -> Sequence[ScoreSection]:
        found = self.found
        return (
            ScoreSection(
                "labels",
                "Labels",
                "Labels",
                "Each label over the rows in which it is known, with 95\u00a0% intervals; n* is "
                "how many independent positive rows it is worth. Average precision by chance is "
                f"the prevalence. A label that fewer than three {_many(group)} have or lack is in "
                "no mean.",
                (_label_table(found, group),),
            ),
            ScoreSection(
                "thresholds",
                "Thresholds",
                "At the thresholds chosen on validation",
                "Youden's threshold makes sensitivity plus specificity largest on validation; the "
                "other one finds at least 95\u00a0% of the positive rows there, which is no "
                "promise for others.",
                tuple(_point_tables(found)),
            ),
            ScoreSection(
                "curves",
                "Ranking, calibration",
                "Ranking and calibration",
                content=(*_ranking(found), _calibration(found)),
            ),
        )


def _meaning(found: LabelEvaluation, group: str) -> str:
    value = found.metrics["macro_auroc"].value
    if not isfinite(value):
        return "No label is present in enough groups and absent in enough others to be scored."
    return (
        f"Of two samples, one with a label and one without it, the model gives the one with the "
        f"label the higher probability in {100 * value:.0f} of 100 pairs, averaged over "
        f"{len(found.scored_labels)} of {len(found.labels)} labels with equal weight."
    )


def _label_table(found: LabelEvaluation, group: str) -> ScoreTable:
    heads = ("AUROC", "Average precision", "Brier")
    rows = tuple(_label_row(one, group) for one in found.per_label)
    return ScoreTable(
        "Label", ("Known", "Present", f"{_many(group).capitalize()} with"), heads, rows
    )


def _label_row(one: LabelScores, group: str) -> ScoreRow:
    facts = (f"{one.known:,}", f"{one.positives:,}", f"{one.positive_groups:,}")
    if not isfinite(one.auroc.value):
        return ScoreRow(one.name, facts, (), absent="known of one kind only, so it is not scored")
    worth = one.effective_positives
    hint = f"n* {worth:.1f}" if isfinite(worth) else ""
    told = "" if one.scored else "in no mean"
    return ScoreRow(one.name, facts, (one.auroc, one.average_precision, one.brier), told, hint)


def _point_tables(found: LabelEvaluation) -> Iterator[Grid]:
    rules = dict.fromkeys(point.rule for one in found.per_label for point in one.points)
    titles = {"youden": "Youden's threshold", "sensitivity_95": "For a sensitivity of 95\u00a0%"}
    for rule in rules:
        points = [
            (one.name, point)
            for one in found.per_label
            for point in one.points
            if point.rule == rule
        ]
        rows = tuple(
            (name, f"{point.threshold:.3f}", _cell(point.sensitivity), _cell(point.specificity))
            for name, point in points
        )
        head = ("Label", "Threshold", "Sensitivity", "Specificity")
        yield Grid(head, rows, titles.get(rule, rule))


def _cell(interval: Interval) -> str:
    if not isfinite(interval.value):
        return "\u2013"
    ends = interval.ends()
    return f"{interval.value:.3f} ({ends})" if ends else f"{interval.value:.3f}"


def _ranking(found: LabelEvaluation) -> Iterator[Plot]:
    if found.roc:
        areas = {scores.name: scores.auroc.value for scores in found.per_label}
        lines = tuple(
            Line(one.name, one.false_positive, one.true_positive, value=areas[one.name])
            for one in found.roc
        )
        yield Plot(
            "AUROC, hardest label first",
            "1 \u2212 specificity",
            "Sensitivity",
            lines,
            "ranking",
            "Each label by itself. The curve of a coin is the diagonal.",
            f"ROC curves of {len(lines)} labels",
        )


def _calibration(found: LabelEvaluation) -> Plot:
    bins = [each for each in found.reliability if isfinite(each.accuracy.value)]
    line = Line(
        "",
        tuple(each.confidence for each in bins),
        tuple(each.accuracy.value for each in bins),
        tuple(each.accuracy.low for each in bins),
        tuple(each.accuracy.high for each in bins),
    )
    return Plot(
        "Calibration of all labels together",
        "Probability",
        "Share that is present",
        (line,),
        "calibration",
        "Bins hold about the same number of known labels; the dashed diagonal is perfect "
        "calibration. Bars are 95\u00a0% intervals of the share that is present.",
        f"Reliability diagram of {len(bins)} bins",
    )


def _many(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this task."""
    return [MultiLabelParams]
