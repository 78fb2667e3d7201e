"""What the figures of a run mean, in plain sentences."""

from mmx.report.run_report import RunReport
from mmx.report.wording import plural, title


def learning_words(report: RunReport) -> str:
    """How long it was trained and which epoch was kept."""
    epochs = plural(len(report.history), "epoch")
    if report.best_epoch is None:
        return f"Trained for {epochs}."
    chosen = f"epoch {report.best_epoch + 1} was kept, chosen by validation"
    name = title(report.select)
    return f"Trained for {epochs}; {chosen} {name if name.isupper() else name.lower()}."
