"""Temperature scaling: one number that makes probabilities mean what they say.

Source: Guo et al. 2017, On Calibration of Modern Neural Networks, arXiv:1706.04599.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import log
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn.functional import nll_loss

from mmx import hookimpl
from mmx.errors import RunError
from mmx.interfaces import Batch, InferenceHook, InferenceParams, Params, Prediction, Validation

LIMIT = 3.0  # of |log T|: a validation part without a mistake would drive T to zero
NEAR = 0.99  # share of the limit from which on it counts as reached


class TemperatureParams(InferenceParams):
    """Settings of temperature scaling, fitted on the validation part."""

    source: ClassVar[str] = "Guo et al. 2017, arXiv:1706.04599"
    tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "multi_label", "ordinal"})

    type: Literal["temperature"] = "temperature"

    def build(self) -> "Temperature":
        return Temperature()


class Temperature(InferenceHook):
    """softmax(log p / T) on the last axis, T with the smallest NLL of the validation part.

    The answer of a class or label never changes. Of several labels one T serves all, by the NLL of
    the known ones: sigmoid(z / T).
    """

    def __init__(self) -> None:
        self.temperature: float | None = None

    def fit(self, validation: Validation) -> None:
        known = validation.target >= 0
        self.temperature = best_temperature(validation.logits[known], validation.target[known])
        told = f"temperature scaling: T = {self.temperature:.2f}, fitted on validation"
        self.notes = (f"{told}{_at_limit(self.temperature)}",)

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        if self.temperature is None:
            raise RunError("inference.temperature predicts before it was fitted; call fit")
        prediction = next(batch)
        log_probs = (prediction.log_probs / self.temperature).log_softmax(dim=-1)
        return replace(prediction, log_probs=log_probs)


def best_temperature(logits: Tensor, target: Tensor) -> float:
    """T in exp(-3) to exp(3) with the smallest NLL of logits [n, C] for target [n]; 1 for n = 0."""
    if len(target) == 0:
        return 1.0
    # copies: predictions are made without what gradients need
    logits, target = logits.double().clone(), target.clone()
    log_t = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_t], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = nll_loss((logits / bounded(log_t).exp()).log_softmax(dim=1), target)
        value.backward()  # type: ignore[no-untyped-call]
        return value.detach()

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return float(bounded(log_t.detach()).exp())


def _at_limit(temperature: float) -> str:
    """That validation asks for more than is done; empty where it does not."""
    if abs(log(temperature)) < NEAR * LIMIT:
        return ""
    way = "smaller" if temperature < 1 else "larger"
    return f", which asks for a {way} one; that is the limit"


def bounded(log_t: Tensor) -> Tensor:
    """Within the limits, with a gradient everywhere."""
    return LIMIT * torch.tanh(log_t / LIMIT)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [TemperatureParams]
