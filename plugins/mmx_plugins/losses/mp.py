"""MP-Loss of MIBF-Net: samples on which image and text disagree weigh more in the fused head.

Source: the public implementation of MIBF-Net; its paper was not available. ``mode: reference`` has
its formula, ``mode: per_sample`` weighs each sample on its own and stays finite.
"""

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.interfaces import Loss, LossParams, LossValue, Outputs, Params


class MpParams(LossParams):
    """Settings of MP-Loss; the last three belong to ``mode: per_sample``."""

    source: ClassVar[str] = "MIBF-Net, public implementation; paper not available"
    instead: ClassVar[Mapping[str, str]] = {
        "multi_label": "use loss: bce",
        "ordinal": "use loss: cumulative_link",
    }

    type: Literal["mp"] = "mp"
    mode: Literal["per_sample", "reference"] = Field(
        default="per_sample", description="weigh each sample, or the whole batch as published"
    )
    image: float = Field(default=0.3, ge=0, description="factor of the image head's cross-entropy")
    text: float = Field(default=0.6, ge=0, description="factor of the text head's cross-entropy")
    fused: float = Field(default=1.1, ge=0, description="factor of the fused head's cross-entropy")
    temperature: PositiveFloat = Field(default=1.0, description="divides the disagreement, in nats")
    w_max: float | None = Field(
        default=10.0,
        ge=1,
        description="largest weight of a sample; null: none, and it may overflow",
    )
    detach: bool = Field(
        default=True, description="the weights send no gradient into image and text"
    )

    def build(self, class_counts: Tensor) -> "Mp":
        return Mp(self)


class Mp(Loss):
    """0.3 CE_i + 0.6 CE_t + 1.1 mean(w CE_f), with w = exp(min(J / T, log w_max)) per sample.

    The reference has 1.1 mean(exp J) CE_f instead, one multiplier for the whole batch, which may
    overflow. A row without an image or a text has w = 1 and leaves that modality's cross-entropy
    out.
    """

    parts = ("image", "text")

    def __init__(self, params: MpParams) -> None:
        super().__init__()
        self.params = params
        self.limit = math.inf if params.w_max is None else math.log(params.w_max)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        fused, image, text = log_probabilities(outputs)
        has_image, has_text = outputs.there("image"), outputs.there("text")
        both = has_image & has_text
        divergence = disagreement(image, text).where(both, 0)
        terms = {
            "image": mean_where(surprise(image, target), has_image),
            "text": mean_where(surprise(text, target), has_text),
            "fused": self.weighted(divergence, surprise(fused, target)),
            "disagreement": mean_where(divergence, both),
        }
        unimodal = self.params.image * terms["image"] + self.params.text * terms["text"]
        total = unimodal + self.params.fused * terms["fused"]
        return LossValue(total, {name: term.detach() for name, term in terms.items()})

    def weighted(self, divergence: Tensor, surprises: Tensor) -> Tensor:
        """The fused term from disagreements [B] and cross-entropies [B]."""
        if self.params.mode == "reference":
            return divergence.exp().mean() * surprises.mean()
        divergence = divergence.detach() if self.params.detach else divergence
        # the exponent is clamped, not the result: an exp that overflowed has NaN gradients
        weights = (divergence / self.params.temperature).clamp(max=self.limit).exp()
        return (weights * surprises).mean()


def log_probabilities(outputs: Outputs) -> list[Tensor]:
    """Log-probabilities [B, C] of the fused, the image and the text logits, at least float32."""
    logits = [outputs.logits, outputs.part_logits["image"], outputs.part_logits["text"]]
    precise = [torch.promote_types(each.dtype, torch.float32) for each in logits]
    return [F.log_softmax(z, dim=-1, dtype=kind) for z, kind in zip(logits, precise, strict=True)]


def surprise(log_probs: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of each row [B], in nats."""
    return -log_probs.gather(1, target[:, None])[:, 0]


def disagreement(image: Tensor, text: Tensor) -> Tensor:
    """Half of KL(p || q) + KL(q || p) for each row.

    Args:
        image: log-probabilities [B, C].
        text: log-probabilities [B, C].

    Returns:
        [B], in nats, >= 0; 0 where the two agree.
    """
    return ((image.exp() - text.exp()) * (image - text)).sum(dim=-1) / 2


def mean_where(values: Tensor, kept: Tensor) -> Tensor:
    """Mean of the kept values [B]; 0 when none is kept."""
    return values.where(kept, 0).sum() / kept.sum().clamp(min=1)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MpParams]
