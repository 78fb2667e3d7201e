"""MP-Loss of MIBF-Net: samples on which modalities disagree weigh more in the fused head.

Source: the public implementation of MIBF-Net; its paper was not available. ``mode: reference`` has
its formula, ``mode: per_sample`` weighs each sample on its own and stays finite. The source is for
an image and a text; of more modalities J is the mean over their pairs, which is ours.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import ClassVar, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.errors import ShapeError
from mmx.interfaces import (
    IMAGE,
    TEXT,
    Loss,
    LossParams,
    LossValue,
    ModalityName,
    Outputs,
    Params,
)


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
    factors: dict[ModalityName, NonNegativeFloat] = Field(
        default={},
        description="modality of another name -> factor of its head's cross-entropy; the source "
        "has none, so each must be stated",
    )
    fused: float = Field(default=1.1, ge=0, description="factor of the fused head's cross-entropy")
    temperature: PositiveFloat = Field(default=1.0, description="divides the disagreement, in nats")
    w_max: float | None = Field(
        default=10.0,
        ge=1,
        description="largest weight of a sample; null: none, and it may overflow",
    )
    detach: bool = Field(
        default=True, description="the weights send no gradient into the modalities"
    )

    def factor(self, name: str) -> float | None:
        """Factor of the cross-entropy of a modality; None where none is stated."""
        return {IMAGE: self.image, TEXT: self.text, **self.factors}.get(name)

    def check_modalities(self, names: Sequence[str]) -> None:
        """At least two, each with a factor, and no factor for another one."""
        if len(names) < 2:
            raise ShapeError(
                f"{self.entry_point} weighs how modalities disagree, and the fusion reads "
                f"{names[0]} alone; use another loss, such as cross_entropy"
            )
        bare = [name for name in names if self.factor(name) is None]
        if bare:
            told = ", ".join(f"{name}: 0.3" for name in bare)
            raise ShapeError(
                f"{self.entry_point} has no factor for {', '.join(bare)}; state it, for example "
                f"factors: {{{told}}}"
            )
        if lost := [name for name in self.factors if name not in names]:
            raise ShapeError(f"factors names {lost[0]!r}, and the fusion reads {', '.join(names)}")

    def build(self, class_counts: Tensor) -> "Mp":
        return Mp(self)


class Mp(Loss):
    """0.3 CE_i + 0.6 CE_t + 1.1 mean(w CE_f), with w = exp(min(J / T, log w_max)) per sample.

    The reference has 1.1 mean(exp J) CE_f instead, one multiplier for the whole batch, which may
    overflow. A row without a modality leaves its cross-entropy and its pairs out; without any pair
    w = 1.
    """

    parts: tuple[str, ...] = (IMAGE, TEXT)

    def __init__(self, params: MpParams) -> None:
        super().__init__()
        self.params = params
        self.limit = math.inf if params.w_max is None else math.log(params.w_max)

    def set_modalities(self, names: Sequence[str]) -> None:
        self.parts = tuple(names)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        told = {name: log_probabilities(outputs.part_logits[name]) for name in self.parts}
        there = {name: outputs.there(name) for name in self.parts}
        terms = {name: mean_where(surprise(told[name], target), there[name]) for name in self.parts}
        weighed = [(self.params.factor(name) or 0.0) * term for name, term in terms.items()]
        divergence, paired = disagreement(told, there)
        fused = surprise(log_probabilities(outputs.logits), target)
        terms["fused"] = self.weighted(divergence, fused)
        terms["disagreement"] = mean_where(divergence, paired)
        total = torch.stack(weighed).sum() + self.params.fused * terms["fused"]
        return LossValue(total, {name: term.detach() for name, term in terms.items()})

    def weighted(self, divergence: Tensor, surprises: Tensor) -> Tensor:
        """The fused term from disagreements [B] and cross-entropies [B]."""
        if self.params.mode == "reference":
            return divergence.exp().mean() * surprises.mean()
        divergence = divergence.detach() if self.params.detach else divergence
        # the exponent is clamped, not the result: an exp that overflowed has NaN gradients
        weights = (divergence / self.params.temperature).clamp(max=self.limit).exp()
        return (weights * surprises).mean()


def log_probabilities(logits: Tensor) -> Tensor:
    """Log-probabilities [B, C] of logits [B, C], at least float32."""
    precise = torch.promote_types(logits.dtype, torch.float32)
    return F.log_softmax(logits, dim=-1, dtype=precise)


def surprise(log_probs: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of each row [B], in nats."""
    return -log_probs.gather(1, target[:, None])[:, 0]


def disagreement(told: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Half of KL(p || q) + KL(q || p) for each row, mean over the pairs of its modalities.

    Args:
        told: modality -> log-probabilities [B, C].
        there: modality -> rows that have it, [B], bool.

    Returns:
        [B], in nats, >= 0, 0 where all agree; and the rows that have a pair, [B], bool.
    """
    pairs = list(combinations(told, 2))
    both = torch.stack([there[one] & there[other] for one, other in pairs])
    each = torch.stack([jeffreys(told[one], told[other]) for one, other in pairs])
    return each.where(both, 0).sum(dim=0) / both.sum(dim=0).clamp(min=1), both.any(dim=0)


def jeffreys(one: Tensor, other: Tensor) -> Tensor:
    """Half of KL(p || q) + KL(q || p) for each row [B], from log-probabilities [B, C]."""
    return ((one.exp() - other.exp()) * (one - other)).sum(dim=-1) / 2


def mean_where(values: Tensor, kept: Tensor) -> Tensor:
    """Mean of the kept values [B]; 0 when none is kept."""
    return values.where(kept, 0).sum() / kept.sum().clamp(min=1)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MpParams]
