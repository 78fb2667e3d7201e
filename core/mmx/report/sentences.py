"""What the figures of a run mean, in plain sentences."""

from collections.abc import Mapping

from mmx.report.metric_units import named
from mmx.report.run_report import RunReport
from mmx.report.wording import known, metric_words, plural


def learning_words(report: RunReport) -> str:
    """How long it was trained and which epoch was kept."""
    epochs = plural(len(report.history), "epoch")
    if report.best_epoch is None:
        return f"Trained for {epochs}."
    words = metric_words([report.select], report.evaluation.described)
    score = named(words[report.select])
    if not _scored(report):
        return f"Trained for {epochs}; the last was kept, since validation gives no {score}."
    sure = report.confidence is not None
    apart = f" with {100 * (report.confidence or 0):.10g} % confidence" if sure else ""
    if report.best_epoch < 0:
        return (
            f"Trained for {epochs}; by validation {score} none was better{apart} than the head as "
            "it was fitted before the first, so that was kept."
        )
    chosen = f"epoch {report.best_epoch + 1} was kept, chosen by validation"
    told = f"Trained for {epochs}; {chosen} {score}."
    if apart and (report.best_epoch or report.start):
        return f"{told} It was better{apart} than the one kept before it, and no later one was."
    return f"{told} No later one was better{apart}." if apart else told


def _scored(report: RunReport) -> bool:
    """Whether the score that chooses the epoch is a number after any of them."""
    scores = [report.start, *(epoch.get("validation") for epoch in report.history)]
    return any(isinstance(one, Mapping) and known(one.get(report.select)) for one in scores)
