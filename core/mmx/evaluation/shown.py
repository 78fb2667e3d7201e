"""An evaluation of classes as sections of a report: confusion, classes, ranking, calibration."""

from collections.abc import Iterator, Sequence
from math import isfinite

from mmx.blocks import plural_of
from mmx.evaluation.results import ClassScores, Evaluation
from mmx.interfaces import Line, Matrix, Plot, ScoreRow, ScoreSection, ScoreTable

SCORES = ("sensitivity", "specificity", "precision", "f1", "auroc")


def class_sections(found: Evaluation, group: str) -> Sequence[ScoreSection]:
    """What a report shows of the classes, for tasks that have one class a row.

    Args:
        found: the scores.
        group: what a group is called: lesion, patient.
    """
    return (
        ScoreSection(
            "confusion",
            "Confusion matrix",
            "Confusion matrix",
            "Rows are the true classes, columns what they were called. Colour and percentage "
            "are shares of the row; outlined cells are right.",
            (Matrix(found.classes, found.confusion),),
        ),
        ScoreSection(
            "classes",
            "Classes",
            "Classes",
            "Each class against the rest, with 95\u00a0% intervals; n* is how many independent "
            "samples the sensitivity is worth. Where none or all is found the interval has one "
            "end, which holds with 97.5\u00a0%. A class of fewer than three "
            f"{plural_of(group)} has no interval of its own.",
            (_class_table(found, group),),
        ),
        ScoreSection(
            "curves",
            "Ranking, calibration",
            "Ranking and calibration",
            content=(*_ranking(found), _calibration(found)),
        ),
    )


def _class_table(found: Evaluation, group: str) -> ScoreTable:
    heads = ("Sensitivity", "Specificity", "Precision", "F1", "AUROC")
    rows = tuple(_class_row(one, group) for one in found.per_class)
    return ScoreTable("Class", ("Samples", plural_of(group).capitalize()), heads, rows)


def _class_row(one: ClassScores, group: str) -> ScoreRow:
    facts = (f"{one.support:,}", f"{one.groups:,}")
    if not one.support:
        return ScoreRow(
            one.name, facts, (), absent="no samples in this part; left out of every average"
        )
    told = "" if one.sensitivity.ends() else f"{one.right_groups} of {_plural(one.groups, group)}"
    scores = tuple(getattr(one, name) for name in SCORES)
    return ScoreRow(one.name, facts, scores, told, f"n* {one.effective:.1f}")


def _ranking(found: Evaluation) -> Iterator[Plot]:
    if found.roc:
        areas = {scores.name: scores.auroc.value for scores in found.per_class}
        yield Plot(
            "AUROC, hardest class first",
            "1 \u2212 specificity",
            "Sensitivity",
            tuple(
                Line(curve.name, curve.false_positive, curve.true_positive, value=areas[curve.name])
                for curve in found.roc
            ),
            "ranking",
            "Each class against the rest. The curve of a coin is the diagonal.",
            f"ROC curves of {len(found.roc)} classes, each against the rest",
        )


def _calibration(found: Evaluation) -> Plot:
    bins = [each for each in found.reliability if isfinite(each.accuracy.value)]
    ece = found.metrics["ece"].value
    told = f"{ece:.3f}" if isfinite(ece) else "\u2013"
    return Plot(
        f"ECE {told}",
        "Confidence",
        "Share that is right",
        (
            Line(
                "",
                tuple(each.confidence for each in bins),
                tuple(each.accuracy.value for each in bins),
                tuple(each.accuracy.low for each in bins),
                tuple(each.accuracy.high for each in bins),
            ),
        ),
        "calibration",
        "Bins hold about the same number of samples; the dashed diagonal is perfect calibration. "
        "Bars are 95\u00a0% intervals of the share that is right; thin lines show the gap to the "
        "diagonal. Below the diagonal the model is too sure of itself.",
        f"Reliability diagram of {len(bins)} bins; ECE {told}",
    )


def _plural(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number:,} {plural_of(noun)}"
