"""Ordinal: each case has exactly one of several ordered levels.

The losses ``cumulative_link`` (default), ``coral`` and ``corn`` know the order; nominal ones such
as ``cross_entropy`` do not, and are the control that they must beat. The headline is quadratically
weighted kappa, beside the mean absolute error of a level and balanced accuracy.

Source: McCullagh 1980, doi:10.1111/j.2517-6161.1980.tb01109.x (ordered levels); Cohen 1968,
doi:10.1037/h0026256 (weighted kappa).
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from mmx import DataError, Params, hookimpl
from mmx.blocks import Softmax, plural_of
from mmx.evaluation import (
    CLASS_WORDS,
    COMPARED_CLASSES,
    ComparedClasses,
    Evaluation,
    EvaluationScores,
    class_sections,
    decide_level,
    evaluate_levels,
    quick_levels,
)
from mmx.interfaces import (
    Link,
    MetricWords,
    ScoreSection,
    Strata,
    Summary,
    TaskParams,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Decision = Literal["median", "argmax", "mean"]

OF_LEVELS: Mapping[str, MetricWords] = {
    "quadratic_kappa": MetricWords(
        "Quadratic kappa",
        "agreement beyond chance, a gap of two levels counts four times; -1 to 1",
        share=False,
    ),
    "macro_absolute_error": MetricWords(
        "Mean absolute error", "levels off, mean over the levels", True, False, unit="levels"
    ),
}


class OrdinalParams(TaskParams):
    """Each case has exactly one of several ordered levels."""

    type: Literal["ordinal"] = "ordinal"
    source: ClassVar[str] = "McCullagh 1980; Cohen 1968"
    exclusive: ClassVar[bool] = True
    default_loss: ClassVar[str] = "cumulative_link"
    selects: ClassVar[Mapping[str, bool]] = {
        "quadratic_kappa": True, "macro_absolute_error": False, "balanced_accuracy": True,
        "accuracy": True, "nll": False,
    }  # fmt: skip
    levels: tuple[str, ...] = Field(
        min_length=2, description="all labels in their order, from the lowest level to the highest"
    )
    decision: Decision = Field(
        default="median",
        description="level that is answered: the median of the probabilities, the most probable "
        "one, or the rounded mean",
    )

    @property
    def compares(self) -> Mapping[str, MetricWords]:
        return {**OF_LEVELS, **COMPARED_CLASSES}

    def build(self, names: Sequence[str], state: Mapping[str, object] | None = None) -> "Ordinal":
        strange = [name for name in names if name not in self.levels]
        if strange:
            raise DataError(
                f"the data has the labels {', '.join(map(repr, strange))}, which are none of "
                f"task.levels: {', '.join(self.levels)}"
            )
        if len(set(self.levels)) < len(self.levels):
            raise DataError(f"task.levels names a level twice: {', '.join(self.levels)}")
        return Ordinal(self.levels, self.decision)


class Ordinal(ComparedClasses):
    """C ordered levels; target [n], int64, -1 for unknown."""

    type = "ordinal"

    def __init__(self, names: Sequence[str], decision: Decision = "median") -> None:
        super().__init__(names)
        self._decision: Decision = decision

    def strata(self, target: "NDArray[np.int64]") -> Sequence[Strata]:
        return (Strata("", self.names, target, ordered=True),)

    def link(self) -> Link:
        return Softmax(len(self.names))  # of nominal losses; the others bring their own

    def quick_scores(
        self, log_probs: "NDArray[np.float64]", target: "NDArray[np.int64]"
    ) -> dict[str, float]:
        return quick_levels(log_probs, target, self._decision)

    def evaluate(
        self, log_probs: "NDArray[np.float64]", target: "NDArray[np.int64]", groups: Sequence[str]
    ) -> "OrdinalScores":
        found = evaluate_levels(log_probs, target, groups, self.names, decision=self._decision)
        return OrdinalScores(found)

    def predicted(self, log_probs: Tensor) -> Tensor:
        return torch.from_numpy(decide_level(log_probs.detach().numpy(), self._decision))


class OrdinalScores(EvaluationScores[Evaluation]):
    """The scores of one set of predictions, and how a report shows them."""

    @property
    def described(self) -> Mapping[str, MetricWords]:
        return {
            **CLASS_WORDS,
            **OF_LEVELS,
            "ranked_probability": MetricWords(
                "Ranked probability score", "squared gap of cumulative probabilities", True, False
            ),
        }

    def summary(self, group: str) -> Summary:
        kappa, error = (self.metrics[name] for name in ("quadratic_kappa", "macro_absolute_error"))
        many = plural_of(group)
        return Summary(
            metric="quadratic_kappa",
            title="quadratic kappa",
            headline=kappa,
            ends=f"95\u202f% interval {kappa.ends()}" if isfinite(kappa.low) else "no interval",
            meaning=(
                f"1 is full agreement with the true level, 0 what chance would reach. On average "
                f"the answer is {error.value:.2f} levels off, every level counting the same."
            ),
            measured=(
                f"Measured on {self.samples:,} samples of {self.groups:,} {many}; accuracy "
                f"{100 * self.metrics['accuracy'].value:.1f}\u202f%."
            ),
            intervals=(
                f"Intervals hold for 95 % and allow for several samples of one {group}. They hold "
                "for this trained model: another training seed would add to them."
            ),
            guess=0.0,
            scale=(-1.0, 1.0),
            form=".3f",
            compared=(
                "quadratic_kappa", "macro_absolute_error", "balanced_accuracy", "accuracy",
                "macro_auroc", "nll",
            ),
        )  # fmt: skip

    def sections(self, group: str) -> Sequence[ScoreSection]:
        return class_sections(self.found, group)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this task."""
    return [OrdinalParams]
