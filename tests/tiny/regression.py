"""A task and a loss from outside: one number a case, scored by its mean absolute error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

import mmx
from mmx.interfaces import (
    Interval,
    Link,
    MetricWords,
    Scores,
    ScoreSection,
    Strata,
    Summary,
    Target,
    Task,
    TaskParams,
)

MMX_API = 2


class Identity(Link):
    """The number itself."""

    inputs = 1

    def forward(self, raw: Tensor) -> Tensor:
        return raw

    def log_probs(self, logits: Tensor) -> Tensor:
        return logits


class RegressionParams(TaskParams):
    type: Literal["regression"] = "regression"
    default_loss: ClassVar[str] = "squared"
    selects: ClassVar[Mapping[str, bool]] = {"absolute_error": False}
    expected_failures: ClassVar[Mapping[str, str]] = {
        "probabilities": "it answers with a number, not with probabilities"
    }

    def build(self, names: Sequence[str], state: Mapping[str, Any] | None = None) -> "Regression":
        return Regression(names)


class Regression(Task):
    """Target [n], float; NaN where it is unknown."""

    type = "regression"

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)[:1]

    def target(self, sample: mmx.Sample) -> Target:
        cell = sample.labels.get(self.names[0])
        if cell is None or cell == "":
            return Target(float("nan"), "has no number")
        try:
            return Target(float(cell))
        except ValueError:
            return Target(float("nan"), f"{cell!r} is no number")

    def known(self, target: Tensor) -> Tensor:
        return ~target.isnan()

    def strata(self, target: Any) -> Sequence[Strata]:
        middle = np.nanmedian(target)
        halves = np.where(np.isnan(target), -1, target > middle).astype(np.int64)
        return (Strata("", ("low", "high"), halves),)

    def counts(self, target: Tensor) -> Tensor:
        return target[self.known(target)].mean()[None]

    def words(self, target: Any) -> Any:
        return np.array(["" if np.isnan(one) else f"{one:g}" for one in target], dtype=object)

    def link(self) -> Link:
        return Identity()

    def part_loss(self, log_probs: Tensor, target: Tensor) -> Tensor:
        return (log_probs[:, 0] - target.float()) ** 2

    def guess(self, prior: Tensor) -> Tensor:
        return prior.flatten()

    def quick_scores(self, log_probs: Any, target: Any) -> dict[str, float]:
        return {"absolute_error": float(np.abs(log_probs[:, 0] - target).mean())}

    def evaluate(self, log_probs: Any, target: Any, groups: Sequence[str]) -> "Errors":
        return Errors(np.abs(log_probs[:, 0] - target), len(set(groups)))

    def values(self, log_probs: Tensor) -> Tensor:
        return log_probs

    def predicted(self, log_probs: Tensor) -> Tensor:
        return torch.zeros(len(log_probs), dtype=torch.long)

    def answers(self, log_probs: Tensor) -> dict[str, Any]:
        return {"predicted": log_probs[:, 0].double().numpy()}

    def truths(self, target: Tensor) -> dict[str, Any]:
        return {"label": target.numpy()}


@dataclass(frozen=True)
class Errors(Scores):
    errors: Any
    many: int

    @property
    def samples(self) -> int:
        return len(self.errors)

    @property
    def groups(self) -> int:
        return self.many

    @property
    def effective(self) -> float:
        return float(self.many)

    @property
    def metrics(self) -> Mapping[str, Interval]:
        value, half = float(self.errors.mean()), float(self.errors.std() / self.many**0.5)
        return {"absolute_error": Interval(value, value - 2 * half, value + 2 * half)}

    @property
    def notes(self) -> Sequence[str]:
        return ()

    @property
    def described(self) -> Mapping[str, MetricWords]:
        return {"absolute_error": MetricWords("Absolute error", "years", True, False)}

    def to_json(self) -> dict[str, Any]:
        one = self.metrics["absolute_error"]
        plain = {"value": one.value, "low": one.low, "high": one.high}
        return {"metrics": {"absolute_error": plain}, "samples": self.samples}

    def summary(self, group: str) -> Summary:
        return Summary(
            "absolute_error", "absolute error", self.metrics["absolute_error"], "95 %",
            "How many years off.", "On the test part.", "Roughly.", form=".3f",
            compared=("absolute_error",),
        )  # fmt: skip

    def sections(self, group: str) -> Sequence[ScoreSection]:
        return ()


class SquaredParams(mmx.LossParams):
    type: Literal["squared"] = "squared"
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})

    def build(self, class_counts: Tensor) -> "Squared":
        return Squared()


class Squared(mmx.Loss):
    def forward(self, outputs: mmx.Outputs, target: Tensor, progress: float) -> mmx.LossValue:
        total = ((outputs.logits[:, 0] - target.float()) ** 2).mean()
        return mmx.LossValue(total, {"squared": total.detach()})

    def prior(self, class_counts: Tensor) -> Tensor:
        return class_counts.double()[None]


@mmx.hookimpl
def mmx_components() -> list[type[mmx.Params]]:
    return [RegressionParams, SquaredParams]
