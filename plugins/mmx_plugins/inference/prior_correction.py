"""Prior correction: from the class shares that a model answers for to those of the data.

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

IDLE = 1e-6  # of an offset: below, no answer changes in the digits that are kept


class PriorCorrectionParams(InferenceParams):
    """Settings of prior correction, after a loss, weights or a sampler that re-balance."""

    source: ClassVar[str] = "Saerens et al. 2002, doi:10.1162/089976602753284446"
    reads_prior: ClassVar[bool] = True
    tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "multi_label", "ordinal"})

    type: Literal["prior_correction"] = "prior_correction"
    strength: float = Field(
        default=1.0, ge=0, le=1, description="0: leave predictions as they are; 1: correct in full"
    )

    def build(self) -> "PriorCorrection":
        return PriorCorrection(self.strength)


class PriorCorrection(InferenceHook):
    """log p(y | x) + strength (log natural prior - log prior of the answers), normalised again."""

    def __init__(self, strength: float) -> None:
        self.strength = strength
        self.offsets: Tensor | None = None

    def fit(self, validation: Validation) -> None:
        natural = log_prior(validation.class_counts)
        answered = log_prior(validation.sampled_counts)
        if validation.prior is not None:
            answered = (validation.prior.double() / validation.prior.sum(-1, keepdim=True)).log()
        self.offsets = self.strength * (natural - answered)
        moved = float((self.offsets - self.offsets.mean(dim=-1, keepdim=True)).abs().max())
        if moved < IDLE:
            why = f"the answers are for the {_kind(answered)} of the training part already"
            why = why if self.strength else "its strength is 0"
            self.notes = (f"prior_correction changes nothing: {why}; leave it out",)
        else:
            self.notes = (
                f"prior_correction: the answers were for the {_kind(answered)} "
                f"{_shares(answered)} and are now for {_shares(answered + self.offsets)}",
            )

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        if self.offsets is None:
            raise RunError("inference.prior_correction predicts before it was fitted; call fit")
        prediction = next(batch)
        log_probs = prediction.log_probs + self.offsets.to(prediction.log_probs)
        return replace(prediction, log_probs=log_probs.log_softmax(dim=-1))


def log_prior(counts: Tensor) -> Tensor:
    """Logarithms of class frequencies; a class without a row counts as one row.

    Args:
        counts: [C], or [L, 3] of several labels: absent, present, unknown.

    Returns:
        [C], or [L, 2].
    """
    counts = (counts[:, :2] if counts.ndim == 2 else counts).double().clamp(min=1)
    return (counts / counts.sum(dim=-1, keepdim=True)).log()


def _shares(log_shares: Tensor) -> str:
    """Class shares from their logarithms [C] or [L, 2], up to a constant, in their order."""
    shares = log_shares.softmax(dim=-1)
    shares = shares[:, 1] if shares.ndim == 2 else shares
    return ", ".join(f"{share:.3f}" for share in shares.tolist())


def _kind(log_shares: Tensor) -> str:
    return "prevalences" if log_shares.ndim == 2 else "class shares"


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [PriorCorrectionParams]
