"""What the figures of a run mean, in plain sentences."""

from mmx.report.run_report import RunReport
from mmx.report.wording import known, many, percent, plural, title


def meaning(report: RunReport) -> str:
    """What the headline says, for somebody who has never heard of balanced accuracy."""
    evaluation = report.evaluation
    headline = evaluation.metrics["balanced_accuracy"]
    here = len(evaluation.classes) - len(evaluation.absent_classes)
    whom = f", averaged over the {here} classes with equal weight" if here > 1 else ""
    right = f"{100 * headline.value:.0f}"
    first = f"Of 100 samples of a class, the model names about {right} correctly{whom}."
    if not known(headline.low):
        return f"{first} There are too few groups to say how sure that is."
    wide = f"between {percent(headline.low)} and {percent(headline.high)}"
    others = f"Had other {many(report.group)} of the same kind been tested"
    return f"{first} {others}, {wide} was to be expected."


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


def interval_words(report: RunReport) -> str:
    """How the intervals were made."""
    evaluation = report.evaluation
    if not evaluation.resamples:
        return "Without intervals: no resampling was asked for."
    redrawn = f", {evaluation.redrawn:,} redrawn for want of a class" if evaluation.redrawn else ""
    return (
        f"Intervals are 95 % percentiles of {evaluation.resamples:,} resamples of whole "
        f"{many(report.group)} (seed {evaluation.seed}{redrawn}). They hold for this trained "
        f"model: another training seed would add to them. ECE is biased upwards, and its "
        f"interval with it."
    )


def learning_words(report: RunReport) -> str:
    """How long it was trained and which epoch was kept."""
    epochs = plural(len(report.history), "epoch")
    if report.best_epoch is None:
        return f"Trained for {epochs}."
    chosen = f"epoch {report.best_epoch + 1} was kept, chosen by validation"
    name = title(report.select)
    return f"Trained for {epochs}; {chosen} {name if name.isupper() else name.lower()}."
