"""Regression: one number a case, headline mean absolute error, beside it R2 and Spearman.

Source: Willmott and Matsuura 2005, doi:10.3354/cr030079 (mean absolute error).
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from mmx import DataError, Params, Sample, hookimpl
from mmx.interfaces import (
    ConstantAnswer,
    Link,
    MethodAnswers,
    MetricWords,
    Score,
    Strata,
    Target,
    Task,
    TaskParams,
)
from pydantic import Field
from torch import Tensor

from mmx_regression.scale import Scale
from mmx_regression.scores import RegressionScores, metric_words
from mmx_regression.statistics import STATISTICS, scores

MMX_API = 2
UNKNOWN = float("nan")
THIRDS = ("lower third", "middle third", "upper third")


class RegressionParams(TaskParams):
    """Settings of the task."""

    type: Literal["regression"] = "regression"
    source: ClassVar[str] = "Willmott and Matsuura 2005, doi:10.3354/cr030079 (absolute error)"
    default_loss: ClassVar[str] = "squared"
    selects: ClassVar[Mapping[str, bool]] = {
        "mean_absolute_error": False, "r2": True, "spearman": True,
    }  # fmt: skip
    expected_failures: ClassVar[Mapping[str, str]] = {
        "probabilities": "it answers with a number, not with probabilities"
    }
    unit: str = Field(default="", max_length=20, description="of the number, for reports: years")

    @property
    def compares(self) -> Mapping[str, MetricWords]:
        """Metrics by which a study compares methods."""
        return metric_words(self.unit)

    def build(self, names: Sequence[str], state: Mapping[str, Any] | None = None) -> "Regression":
        """Build the task; ``names`` are the columns of labels, of which there is one."""
        return Regression(names, self.unit)

    def example(self, rows: int) -> Sequence[Sample]:
        """Numbers for the laws; every tenth row has none."""
        drawn = np.random.default_rng(0).uniform(0, 5, rows).round(2).tolist()
        numbers = [None if row % 10 == 9 else drawn[row] for row in range(rows)]
        return [
            Sample(f"row {row}", f"group {row // 2}", labels={"number": number})
            for row, number in enumerate(numbers)
        ]


class Regression(Task):
    """Target [n], float, NaN where it is unknown; answers [n, 1], or [n, 2] with their spread."""

    type = "regression"

    def __init__(self, names: Sequence[str], unit: str = "") -> None:
        self.names = tuple(names)[:1]
        self._columns, self._unit = tuple(names), unit

    @property
    def answer_unit(self) -> str:
        """Explanations tell changes in it."""
        return self._unit

    def target(self, sample: Sample) -> Target:
        """The number of the column of labels; what cannot be read is unknown, with why."""
        cell = sample.labels.get(self.names[0])
        try:
            number = UNKNOWN if cell is None or cell == "" else float(cell)
        except ValueError:
            return Target(UNKNOWN, f"column {self.names[0]!r} holds {cell!r}, which is no number")
        return Target(number) if isfinite(number) else Target(UNKNOWN, "has no number")

    def known(self, target: Tensor) -> Tensor:
        """Rows that have a number."""
        return ~target.isnan()

    def strata(self, target: Any) -> Sequence[Strata]:
        """Thirds, so that every part of a split has small and large ones."""
        cuts = np.nanquantile(target, [1 / 3, 2 / 3])
        places = np.where(np.isnan(target), -1, np.searchsorted(cuts, target)).astype(np.int64)
        return (Strata("", THIRDS, places),)

    def counts(self, target: Tensor) -> Tensor:
        """[2]: mean and spread, from which the link of the loss starts."""
        numbers = target[self.known(target)].double()
        return torch.stack([numbers.mean(), numbers.std(correction=0).clamp(min=1e-6)])

    def check(self, target: Any, part: str = "") -> None:
        """One column, and two numbers that differ."""
        if len(self._columns) != 1:
            raise DataError(
                "task: regression learns one number: data.dataset.labels: [column], not "
                f"{len(self._columns)} columns"
            )
        if part and len(np.unique(target[~np.isnan(target)])) < 2:
            raise DataError(f"all numbers of the {part} part are the same: nothing to learn")

    def words(self, target: Any) -> Any:
        """The number as text."""
        return np.array(["" if np.isnan(one) else f"{one:g}" for one in target], dtype=object)

    def link(self) -> Link:
        """The output of the head itself."""
        return Scale(torch.tensor([0.0, 1.0]))

    def part_loss(self, log_probs: Tensor, target: Tensor) -> Tensor:
        """[B], squared errors."""
        return (log_probs[:, 0] - target.float()) ** 2

    def guess(self, prior: Tensor) -> Tensor:
        """What the loss states for a case of which nothing is seen: the mean."""
        return prior.flatten().float()

    def quick_scores(self, log_probs: Any, target: Any) -> dict[str, float]:
        """The scores after an epoch."""
        answers = log_probs[:, 0]
        error = float(np.abs(answers - target).mean())
        others = {name: of(answers, target) for name, of in STATISTICS.items()}
        return {"mean_absolute_error": error, **others}

    def evaluate(self, log_probs: Any, target: Any, groups: Sequence[str]) -> RegressionScores:
        """The scores of known rows."""
        answers = np.array(log_probs[:, 0], dtype=np.float64)
        return RegressionScores(answers, np.array(target), tuple(groups), self._unit)

    def compared(
        self, answers: Mapping[str, MethodAnswers], truths: Mapping[str, Any],
        groups: Sequence[str], metrics: Sequence[str],
    ) -> Mapping[str, Score]:  # fmt: skip
        """By the numbers that each method answers."""
        given = {name: one.values[:, :, 0] for name, one in answers.items()}
        return scores(given, np.asarray(truths["label"], dtype=np.float64), groups, metrics)

    def constants(self, target: Tensor) -> Sequence[ConstantAnswer]:
        """Mean and median of the training part."""
        numbers = target[self.known(target)].double()
        found = {"mean": numbers.mean(), "median": numbers.quantile(0.5)}
        return [
            ConstantAnswer(f"training {name}", f"the {name} of the training part alone", of[None])
            for name, of in found.items()
        ]

    def probe(
        self, train: Any, target: Tensor, test: Any, prior: Tensor | None, strength: float
    ) -> Tensor:
        """Ridge regression; source: scikit-learn, Ridge."""
        from sklearn.linear_model import Ridge  # a second of import

        model = Ridge(alpha=1 / strength).fit(train, target.double().numpy())
        return torch.from_numpy(model.predict(test))[:, None]

    def values(self, log_probs: Tensor) -> Tensor:
        """[n, 1], the column p_NAME."""
        return log_probs[:, :1]

    def predicted(self, log_probs: Tensor) -> Tensor:
        """Explanations are about the only number there is."""
        return torch.zeros(len(log_probs), dtype=torch.int64)

    def answers(self, log_probs: Tensor) -> dict[str, Any]:
        """The number that is answered, and its spread where the loss learns one."""
        found = {"predicted": log_probs[:, 0].double().numpy()}
        if log_probs.shape[1] > 1:
            found["spread"] = log_probs[:, 1].double().exp().numpy()
        return found

    def truths(self, target: Tensor) -> dict[str, Any]:
        """The number that is true."""
        return {"label": target.numpy()}


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """The task."""
    return [RegressionParams]
