"""Single label: each case has exactly one of the classes; a softmax over them.

Scores are shares of cases with intervals that allow for several cases of one patient; the headline
is balanced accuracy, the mean sensitivity over the classes.

Source: Brodersen et al. 2010, The Balanced Accuracy and Its Posterior Distribution, ICPR.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, ClassVar, Literal

from mmx import Params, hookimpl
from mmx.blocks import Softmax, plural_of
from mmx.evaluation import (
    CLASS_WORDS,
    COMPARED_CLASSES,
    ClassScores,
    ComparedClasses,
    Evaluation,
    EvaluationScores,
    class_sections,
    evaluate,
    quick_scores,
)
from mmx.interfaces import (
    Interval,
    Link,
    MetricWords,
    ScoreSection,
    Summary,
    TaskParams,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BALANCED = MetricWords(
    "Balanced NLL", "negative log likelihood, nats, mean over the classes",
    lower=True, share=False, loss=True,
)  # fmt: skip


class SingleLabelParams(TaskParams):
    """Each case has exactly one of the classes."""

    type: Literal["single_label"] = "single_label"
    source: ClassVar[str] = "Brodersen et al. 2010, ICPR (balanced accuracy)"
    exclusive: ClassVar[bool] = True
    selects: ClassVar[Mapping[str, bool]] = {
        "balanced_accuracy": True, "accuracy": True, "macro_f1": True, "nll": False,
        "balanced_nll": False,
    }  # fmt: skip

    @property
    def compares(self) -> Mapping[str, MetricWords]:
        return COMPARED_CLASSES

    def build(
        self, names: Sequence[str], state: Mapping[str, object] | None = None
    ) -> "SingleLabel":
        return SingleLabel(names)


class SingleLabel(ComparedClasses):
    """Softmax over C classes."""

    type = "single_label"

    def link(self) -> Link:
        return Softmax(len(self.names))

    def quick_scores(
        self, log_probs: "NDArray[np.float64]", target: "NDArray[np.int64]"
    ) -> dict[str, float]:
        return quick_scores(log_probs, target)

    def evaluate(
        self, log_probs: "NDArray[np.float64]", target: "NDArray[np.int64]", groups: Sequence[str]
    ) -> "SingleLabelScores":
        return SingleLabelScores(evaluate(log_probs, target, groups, self.names))


class SingleLabelScores(EvaluationScores[Evaluation]):
    """The scores of one set of predictions, and how a report shows them."""

    @property
    def described(self) -> Mapping[str, MetricWords]:
        return {**CLASS_WORDS, "balanced_nll": BALANCED}

    def summary(self, group: str) -> Summary:
        here = [scores for scores in self.found.per_class if scores.support]
        return Summary(
            metric="balanced_accuracy",
            title="balanced accuracy",
            headline=self.metrics["balanced_accuracy"],
            ends=_ends(self.metrics["balanced_accuracy"]),
            meaning=_meaning(self.found, group),
            measured=_measured(self.found, here, group),
            intervals=_intervals(self.found, group),
            guess=1 / len(here),
            compared=("balanced_accuracy", "accuracy", "macro_f1", "macro_auroc", "ece", "nll"),
        )

    def sections(self, group: str) -> Sequence[ScoreSection]:
        return class_sections(self.found, group)


def _meaning(found: Evaluation, group: str) -> str:
    """What the headline says, for somebody who has never heard of balanced accuracy."""
    headline = found.metrics["balanced_accuracy"]
    here = len(found.classes) - len(found.absent_classes)
    whom = f", averaged over the {here} classes with equal weight" if here > 1 else ""
    right = f"{100 * headline.value:.0f}"
    first = f"Of 100 samples of a class, the model names about {right} correctly{whom}."
    if not isfinite(headline.low):
        return f"{first} All samples are of one class, so there is nothing to average over."
    wide = f"between {_percent(headline.low)} and {_percent(headline.high)}"
    judged = f"Judged by these {plural_of(group)}, the figure among all of their kind lies"
    return f"{first} {judged} {wide} (95 %)."


def _measured(found: Evaluation, here: Sequence[ClassScores], group: str) -> str:
    """On how much the headline rests, and what guessing would reach."""
    largest = max(here, key=lambda scores: scores.support)
    share = largest.support / found.samples
    return (
        f"Measured on {_plural(found.samples, 'sample')} of {_plural(found.groups, group)}. "
        f"Always answering the most common class, {largest.name}, would reach "
        f"{_percent(1 / len(here))} balanced accuracy (as would guessing) and {_percent(share)} "
        f"plain accuracy; the model's plain accuracy is "
        f"{_percent(found.metrics['accuracy'].value)}."
    )


def _ends(headline: Interval) -> str:
    """The interval of the headline, or why there is none."""
    low, high = _percent(headline.low), _percent(headline.high)
    if not isfinite(headline.low):
        return "no interval: all samples are of one class"
    if headline.value == headline.high == 1:
        return f"one-sided: at least {low} with 97.5\u202f%"
    if headline.value == headline.low == 0:
        return f"one-sided: at most {high} with 97.5\u202f%"
    return f"95\u202f% interval {low} to {high}"


def _intervals(found: Evaluation, group: str) -> str:
    """How the intervals were made."""
    return (
        f"Intervals hold for 95 % and allow for several samples of one {group}: the "
        f"{found.samples:,} samples tell as much of the accuracy as {found.effective:,.0f} "
        "independent ones (n*). They hold for this trained model: another training seed would add "
        "to them. ECE is biased upwards, so no interval of it holds; the confidence gap has one."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u202f%" if isfinite(share) else "\u2013"


def _plural(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number:,} {plural_of(noun)}"


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this task."""
    return [SingleLabelParams]
