"""What the figures of a run mean, in plain sentences."""

from mmx.report.metric_units import named
from mmx.report.run_report import RunReport
from mmx.report.wording import metric_words, plural


def learning_words(report: RunReport) -> str:
    """How long it was trained and which epoch was kept."""
    epochs = plural(len(report.history), "epoch")
    if report.best_epoch is None:
        return f"Trained for {epochs}."
    chosen = f"epoch {report.best_epoch + 1} was kept, chosen by validation"
    words = metric_words([report.select], report.evaluation.described)
    return f"Trained for {epochs}; {chosen} {named(words[report.select])}."
