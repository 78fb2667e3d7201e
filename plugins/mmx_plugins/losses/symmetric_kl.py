"""Disagreement supervision: image and text heads are pulled towards the same probabilities.

Source: Jeffreys 1946, doi:10.1098/rspa.1946.0056, for the divergence; the combination is that of
mmx, since the work that names it gives no formula.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.interfaces import Loss, LossParams, LossValue, Outputs, Params


class SymmetricKlParams(LossParams):
    """Settings of disagreement supervision."""

    source: ClassVar[str] = "Jeffreys 1946, doi:10.1098/rspa.1946.0056"
    instead: ClassVar[Mapping[str, str]] = {
        "multi_label": "use loss: bce",
        "ordinal": "use loss: cumulative_link",
    }

    type: Literal["symmetric_kl"] = "symmetric_kl"
    unimodal: float = Field(
        default=0.3, ge=0, description="factor of the cross-entropies of image and text head"
    )
    weight: float = Field(default=0.1, ge=0, description="factor of the disagreement")

    def build(self, class_counts: Tensor) -> "SymmetricKl":
        return SymmetricKl(self.unimodal, self.weight)


class SymmetricKl(Loss):
    """CE_f + unimodal (CE_i + CE_t) + weight mean J.

    A row without an image or a text leaves that modality's cross-entropy and J out.
    """

    parts = ("image", "text")

    def __init__(self, unimodal: float, weight: float) -> None:
        super().__init__()
        self.unimodal, self.weight = unimodal, weight

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        fused, image, text = log_probabilities(outputs)
        has_image, has_text = outputs.there("image"), outputs.there("text")
        terms = {
            "fused": surprise(fused, target).mean(),
            "image": mean_where(surprise(image, target), has_image),
            "text": mean_where(surprise(text, target), has_text),
            "disagreement": mean_where(disagreement(image, text), has_image & has_text),
        }
        unimodal = self.unimodal * (terms["image"] + terms["text"])
        total = terms["fused"] + unimodal + self.weight * terms["disagreement"]
        return LossValue(total, {name: term.detach() for name, term in terms.items()})


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
    return [SymmetricKlParams]
