"""Scores of several labels, and how a report shows them."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from mmx.blocks import plural_of
from mmx.evaluation import EvaluationScores, LabelEvaluation, LabelScores
from mmx.interfaces import (
    Grid,
    Interval,
    Line,
    MetricWords,
    Plot,
    ScoreRow,
    ScoreSection,
    ScoreTable,
    Summary,
)

COMPARED: Mapping[str, MetricWords] = {
    "macro_auroc": MetricWords(
        "Macro AUROC", "mean over the labels: how well present and absent are told apart"
    ),
    "macro_average_precision": MetricWords(
        "Macro average precision", "area under precision over sensitivity, mean over labels"
    ),
}
"""Metrics by which methods are compared."""


class MultiLabelScores(EvaluationScores[LabelEvaluation]):
    """The scores of one set of predictions, and how a report shows them."""

    @property
    def described(self) -> Mapping[str, MetricWords]:
        return {
            **COMPARED,
            "brier": MetricWords(
                "Brier score", "squared error of the probability of a label", lower=True
            ),
            "nll": MetricWords(
                "NLL", "negative log likelihood of a label, nats", True, False, loss=True
            ),
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
                f"{self.groups:,} {plural_of(group)}. Ranking at random would reach 0.5."
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
                f"the prevalence. A label that fewer than three {plural_of(group)} have or lack "
                "is in no mean.",
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
        "Label", ("Known", "Present", f"{plural_of(group).capitalize()} with"), heads, rows
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
