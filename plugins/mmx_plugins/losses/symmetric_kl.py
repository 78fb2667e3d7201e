"""Disagreement supervision: the heads of modalities are pulled towards the same probabilities.

Source: Jeffreys 1946, doi:10.1098/rspa.1946.0056, for the divergence; the combination is that of
mmx, since the work that names it gives no formula. It is that of an image and a text; of more
modalities J is the mean over their pairs, which is ours.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.errors import ShapeError
from mmx.interfaces import IMAGE, TEXT, Loss, LossParams, LossValue, Outputs, Params


class SymmetricKlParams(LossParams):
    """Settings of disagreement supervision."""

    source: ClassVar[str] = "Jeffreys 1946, doi:10.1098/rspa.1946.0056"
    instead: ClassVar[Mapping[str, str]] = {
        "multi_label": "use loss: bce",
        "ordinal": "use loss: cumulative_link",
    }

    type: Literal["symmetric_kl"] = "symmetric_kl"
    unimodal: float = Field(
        default=0.3, ge=0, description="factor of the cross-entropy of each modality's head"
    )
    weight: float = Field(default=0.1, ge=0, description="factor of the disagreement")

    def check_modalities(self, names: Sequence[str]) -> None:
        """At least two, since one alone agrees with itself."""
        if len(names) < 2:
            raise ShapeError(
                f"{self.entry_point} scores how modalities disagree, and the fusion reads "
                f"{names[0]} alone; use another loss, such as cross_entropy"
            )

    def build(self, class_counts: Tensor) -> "SymmetricKl":
        return SymmetricKl(self.unimodal, self.weight)


class SymmetricKl(Loss):
    """CE_f + unimodal sum_m CE_m + weight mean J, with J the mean over pairs of modalities.

    A row without a modality leaves its cross-entropy and its pairs out.
    """

    parts: tuple[str, ...] = (IMAGE, TEXT)

    def __init__(self, unimodal: float, weight: float) -> None:
        super().__init__()
        self.unimodal, self.weight = unimodal, weight

    def set_modalities(self, names: Sequence[str]) -> None:
        self.parts = tuple(names)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        told = {name: log_probabilities(outputs.part_logits[name]) for name in self.parts}
        there = {name: outputs.there(name) for name in self.parts}
        terms = {"fused": surprise(log_probabilities(outputs.logits), target).mean()}
        for name in self.parts:
            terms[name] = mean_where(surprise(told[name], target), there[name])
        terms["disagreement"] = mean_where(*disagreement(told, there))
        unimodal = self.unimodal * torch.stack([terms[name] for name in self.parts]).sum()
        total = terms["fused"] + unimodal + self.weight * terms["disagreement"]
        return LossValue(total, {name: term.detach() for name, term in terms.items()})


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
    return [SymmetricKlParams]
