"""Prior correction: from the class frequencies that training saw to those of the data.

Source: Saerens et al. 2002, Adjusting the Outputs of a Classifier to New a Priori Probabilities,
doi:10.1162/089976602753284446.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor

from mmx import hookimpl
from mmx.errors import RunError
from mmx.interfaces import Batch, InferenceHook, InferenceParams, Params, Prediction, Validation


class PriorCorrectionParams(InferenceParams):
    """Settings of prior correction, for models trained with a re-balancing sampler."""

    source: ClassVar[str] = "Saerens et al. 2002, doi:10.1162/089976602753284446"

    type: Literal["prior_correction"] = "prior_correction"
    strength: float = Field(
        default=1.0, ge=0, le=1, description="0: leave predictions as they are; 1: correct in full"
    )

    def build(self) -> "PriorCorrection":
        return PriorCorrection(self.strength)


class PriorCorrection(InferenceHook):
    """log p(y | x) + strength (log natural prior - log prior in training), normalised again."""

    def __init__(self, strength: float) -> None:
        self.strength = strength
        self.offsets: Tensor | None = None

    def fit(self, validation: Validation) -> None:
        natural, seen = log_prior(validation.class_counts), log_prior(validation.sampled_counts)
        self.offsets = self.strength * (natural - seen)

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        if self.offsets is None:
            raise RunError("inference.prior_correction predicts before it was fitted; call fit")
        prediction = next(batch)
        log_probs = prediction.log_probs + self.offsets.to(prediction.log_probs)
        return replace(prediction, log_probs=log_probs.log_softmax(dim=-1))


def log_prior(counts: Tensor) -> Tensor:
    """Logarithms [C] of class frequencies; a class without a row counts as one row."""
    counts = counts.double().clamp(min=1)
    return (counts / counts.sum()).log()


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [PriorCorrectionParams]
