"""Selective prediction: answer when sure, else leave the case to a person.

Source: Geifman and El-Yaniv 2017, Selective Classification for Deep Neural Networks,
arXiv:1705.08500; area under the risk-coverage curve: Geifman et al. 2019, arXiv:1805.08206.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from mmx import hookimpl
from mmx.errors import RunError
from mmx.interfaces import (
    Batch,
    Curve,
    InferenceHook,
    InferenceParams,
    Params,
    Prediction,
    Validation,
)

Score = Literal["max_prob", "neg_entropy"]


class SelectiveParams(InferenceParams):
    """Settings of selective prediction; the threshold is chosen on the validation part."""

    source: ClassVar[str] = "Geifman and El-Yaniv 2017, arXiv:1705.08500"
    place: ClassVar[int] = 2

    type: Literal["selective"] = "selective"
    score: Score = Field(default="max_prob", description="confidence kappa of an answer")
    target: Literal["coverage", "risk"] = Field(
        default="coverage", description="what `level` is: the share accepted, or the error allowed"
    )
    level: float = Field(default=0.8, gt=0, le=1, description="share of validation rows, 0 to 1")

    def build(self) -> "Selective":
        return Selective(self.score, self.target, self.level)


class Selective(InferenceHook):
    """Accept a row when kappa >= threshold; probabilities stay as they are."""

    def __init__(self, score: Score, target: Literal["coverage", "risk"], level: float) -> None:
        self.score: Score = score
        self.target, self.level = target, level
        self.threshold: float | None = None

    def fit(self, validation: Validation) -> None:
        known = validation.target >= 0
        log_probs, target = validation.logits[known].log_softmax(dim=1), validation.target[known]
        kappa = confidence(log_probs, self.score)
        if self.target == "coverage":
            self.threshold = threshold_for_coverage(kappa, self.level)
        else:
            self.threshold = threshold_for_risk(kappa, log_probs.argmax(1) != target, self.level)
        if self.threshold == float("inf"):
            self.notes = (
                f"selective prediction accepts nothing: no share of the validation part has an "
                f"error of at most {self.level:.0%}",
            )

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        if self.threshold is None:
            raise RunError("inference.selective predicts before it was fitted; call fit")
        prediction = next(batch)
        kappa = confidence(prediction.log_probs, self.score)
        extras = {"confidence": kappa, "accepted": kappa >= self.threshold}
        return replace(prediction, extras={**prediction.extras, **extras})

    def measure(self, prediction: Prediction, target: Tensor) -> Mapping[str, float]:
        """Coverage, risk of what is accepted, AURC, and coverage at 5 % risk."""
        wrong = prediction.log_probs.argmax(dim=1) != target
        accepted, kappa = prediction.extras["accepted"].bool(), prediction.extras["confidence"]
        coverage, risk = risk_coverage(kappa, wrong)
        allowed = coverage[risk <= 0.05]
        return {
            "coverage": float(accepted.double().mean()),
            "risk of accepted": float(wrong[accepted].double().mean()),
            "AURC": float(risk.mean()),
            "coverage at 5 % risk": float(allowed.max()) if len(allowed) else 0.0,
        }

    def curves(self, prediction: Prediction, target: Tensor) -> Sequence[Curve]:
        """Risk over coverage."""
        wrong = prediction.log_probs.argmax(dim=1) != target
        coverage, risk = risk_coverage(prediction.extras["confidence"], wrong)
        words = ("Risk and coverage", "Share answered", "Share of answers that is wrong")
        return [Curve(*words, _thinned(coverage), _thinned(risk))]


def _thinned(values: Tensor) -> tuple[float, ...]:
    """At most 200 of the values, evenly chosen, first and last among them."""
    chosen = torch.linspace(0, len(values) - 1, min(len(values), 200)).round().long()
    return tuple(values[chosen].tolist())


def confidence(log_probs: Tensor, score: Score) -> Tensor:
    """Kappa [B] of log-probabilities [B, C]: max p, or -entropy in nats."""
    if score == "max_prob":
        return log_probs.max(dim=1).values.exp()
    return (log_probs.exp() * log_probs).sum(dim=1)


def risk_coverage(kappa: Tensor, wrong: Tensor) -> tuple[Tensor, Tensor]:
    """Coverage [n] and risk [n] when the 1, 2, ... n most confident rows are accepted."""
    ordered = wrong[kappa.argsort(descending=True, stable=True)].double()
    count = torch.arange(1, len(ordered) + 1, dtype=torch.float64)
    return count / len(ordered), ordered.cumsum(0) / count


def threshold_for_coverage(kappa: Tensor, share: float) -> float:
    """The largest threshold that accepts at least this share."""
    ordered = kappa.sort(descending=True).values
    rows = max(1, -(-share * len(ordered) // 1))  # rounded up
    return float(ordered[int(rows) - 1])


def threshold_for_risk(kappa: Tensor, wrong: Tensor, risk: float) -> float:
    """The smallest threshold whose accepted rows err at most at this rate; infinite if none."""
    ordered = kappa.sort(descending=True).values
    _, risks = risk_coverage(kappa, wrong)
    last = torch.ones_like(wrong)  # equal confidences are accepted together
    last[:-1] = ordered[:-1] != ordered[1:]
    fitting = (last & (risks <= risk)).nonzero()
    return float(ordered[int(fitting.max())]) if len(fitting) else float("inf")


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [SelectiveParams]
