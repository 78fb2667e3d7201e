"""What the figures of a run mean, in plain sentences."""

from mmx.evaluation import Evaluation
from mmx.report.run_report import RunReport
from mmx.report.wording import count, known, many, percent, plural, title


def meaning(report: RunReport) -> str:
    """What the headline says, for somebody who has never heard of balanced accuracy."""
    evaluation = report.evaluation
    headline = evaluation.metrics["balanced_accuracy"]
    here = len(evaluation.classes) - len(evaluation.absent_classes)
    whom = f", averaged over the {here} classes with equal weight" if here > 1 else ""
    right = f"{100 * headline.value:.0f}"
    first = f"Of 100 samples of a class, the model names about {right} correctly{whom}."
    if not known(headline.low):
        return f"{first} All samples are of one class, so there is nothing to average over."
    wide = f"between {percent(headline.low)} and {percent(headline.high)}"
    judged = f"Judged by these {many(report.group)}, the figure among all of their kind lies"
    return f"{first} {judged} {wide} (95 %)."


def measured(report: RunReport) -> str:
    """On how much the headline rests, and what guessing would reach."""
    evaluation = report.evaluation
    here = [scores for scores in evaluation.per_class if scores.support]
    largest = max(here, key=lambda scores: scores.support)
    share = largest.support / evaluation.samples
    return (
        f"Measured on {plural(evaluation.samples, 'sample')} of "
        f"{plural(evaluation.groups, report.group)}. Always answering the most common class, "
        f"{largest.name}, would reach {percent(1 / len(here))} balanced accuracy (as would "
        f"guessing) and {percent(share)} plain accuracy; the model's plain accuracy is "
        f"{percent(evaluation.metrics['accuracy'].value)}."
    )


def headline_ends(evaluation: Evaluation) -> str:
    """The interval of the headline, or why there is none."""
    headline = evaluation.metrics["balanced_accuracy"]
    low, high = percent(headline.low), percent(headline.high)
    if not known(headline.low):
        return "no interval: all samples are of one class"
    if headline.value == headline.high == 1:
        return f"one-sided: at least {low} with 97.5\u202f%"
    if headline.value == headline.low == 0:
        return f"one-sided: at most {high} with 97.5\u202f%"
    return f"95\u202f% interval {low} to {high}"


def interval_words(report: RunReport) -> str:
    """How the intervals were made."""
    evaluation = report.evaluation
    worth = f"{evaluation.effective:,.0f} independent ones"
    return (
        f"Intervals hold for 95 % and allow for several samples of one {report.group}: the "
        f"{count(evaluation.samples)} samples tell as much of the accuracy as {worth} (n*). They "
        f"hold for this trained model: another training seed would add to them. ECE is biased "
        f"upwards, so no interval of it holds; the confidence gap has one."
    )


def learning_words(report: RunReport) -> str:
    """How long it was trained and which epoch was kept."""
    epochs = plural(len(report.history), "epoch")
    if report.best_epoch is None:
        return f"Trained for {epochs}."
    chosen = f"epoch {report.best_epoch + 1} was kept, chosen by validation"
    name = title(report.select)
    return f"Trained for {epochs}; {chosen} {name if name.isupper() else name.lower()}."
