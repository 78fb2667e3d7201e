"""Disagreement supervision: the heads of modalities are pulled towards the same probabilities.

Source: Jeffreys 1946, doi:10.1098/rspa.1946.0056, for the divergence; the combination is that of
mmx, since the work that names it gives no formula. It is that of an image and a text; of more
modalities J is the mean over their pairs, which is ours.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from mmx import hookimpl
from mmx.blocks import Cumulative, Sigmoid, Softmax, labels_per_row, level_log_probs
from mmx.errors import ShapeError
from mmx.interfaces import IMAGE, TEXT, Link, Loss, LossParams, LossValue, Outputs, Params


class SymmetricKlParams(LossParams):
    """Settings of disagreement supervision."""

    source: ClassVar[str] = "Jeffreys 1946, doi:10.1098/rspa.1946.0056"
    tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "multi_label", "ordinal"})
    expected_failures: ClassVar[Mapping[str, str]] = {
        "unknown_labels": "the disagreement of modalities needs no label: unknown ones take part"
    }

    type: Literal["symmetric_kl"] = "symmetric_kl"
    unimodal: float = Field(
        default=0.3, ge=0, description="factor of the cross-entropy of each modality's head"
    )
    weight: float = Field(default=0.1, ge=0, description="factor of the disagreement")
    scale: bool = Field(
        default=False,
        description="ordered levels: thresholds on one scale, as of cumulative_link; otherwise "
        "levels are classes without an order",
    )

    def misfit(self, task: str) -> str:
        if not self.scale or task == "ordinal":
            return ""
        return f"scale is for ordered levels, and this spec has task: {task}; leave it out"

    def check_modalities(self, names: Sequence[str]) -> None:
        """At least two, since one alone agrees with itself."""
        if len(names) < 2:
            raise ShapeError(
                f"{self.entry_point} scores how modalities disagree, and the fusion reads "
                f"{names[0]} alone; leave loss out for that of the task"
            )

    def link(self, class_counts: Tensor) -> Link | None:
        return Cumulative(class_counts) if self.scale else None

    def build(self, class_counts: Tensor) -> "SymmetricKl":
        if class_counts.ndim == 2:
            read, per_row = Sigmoid(len(class_counts)).log_probs, labels_per_row(class_counts)
            return SymmetricKl(self.unimodal, self.weight, read, per_row)
        read = level_log_probs if self.scale else Softmax(len(class_counts)).log_probs
        return SymmetricKl(self.unimodal, self.weight, read)


class SymmetricKl(Loss):
    """CE_f + unimodal sum_m CE_m + weight mean J, with J the mean over pairs of modalities.

    A row without a modality leaves its cross-entropy and its pairs out. Of several labels CE is
    the binary cross-entropy of the known ones, and J the mean over all labels, as it needs no
    label: (p - q)(logit p - logit q) / 2.

    Args:
        unimodal: factor.
        weight: factor.
        read: from logits [B, K] to log-probabilities [B, C], or [B, L, 2] of several labels.
        per_row: mean number of known labels of a training row; 1 for one of several classes.
    """

    parts: tuple[str, ...] = (IMAGE, TEXT)

    def __init__(
        self, unimodal: float, weight: float, read: Callable[[Tensor], Tensor], per_row: float = 1.0
    ) -> None:
        super().__init__()
        self.unimodal = unimodal
        self.weight = weight
        self.per_row = per_row
        self.read = read

    def set_modalities(self, names: Sequence[str]) -> None:
        self.parts = tuple(names)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        told = {name: self.log_probs(outputs.part_logits[name]) for name in self.parts}
        there = {name: outputs.there(name) for name in self.parts}
        terms = {"fused": self.surprise(self.log_probs(outputs.logits), target).mean()}
        for name in self.parts:
            terms[name] = mean_where(self.surprise(told[name], target), there[name])
        terms["disagreement"] = mean_where(*disagreement(told, there))
        unimodal = self.unimodal * torch.stack([terms[name] for name in self.parts]).sum()
        total = terms["fused"] + unimodal + self.weight * terms["disagreement"]
        return LossValue(total, {name: term.detach() for name, term in terms.items()})

    def log_probs(self, logits: Tensor) -> Tensor:
        """Log-probabilities [B, C] or [B, L, 2] of logits [B, K], at least float32."""
        return self.read(logits.to(torch.promote_types(logits.dtype, torch.float32)))

    def surprise(self, log_probs: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of each row [B], in nats; of several labels over the known ones."""
        each = -log_probs.gather(-1, target.clamp(min=0)[..., None])[..., 0]
        each = each.where(target >= 0, 0)
        return each if each.ndim == 1 else each.sum(dim=1) / self.per_row


def disagreement(told: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Half of KL(p || q) + KL(q || p) for each row, mean over the pairs of its modalities.

    Args:
        told: modality -> log-probabilities [B, C], or [B, L, 2] of several labels.
        there: modality -> rows that have it, [B], bool.

    Returns:
        [B], in nats, >= 0, 0 where all agree; and the rows that have a pair, [B], bool.
    """
    pairs = list(combinations(told, 2))
    both = torch.stack([there[one] & there[other] for one, other in pairs])
    each = torch.stack([jeffreys(told[one], told[other]) for one, other in pairs])
    return each.where(both, 0).sum(dim=0) / both.sum(dim=0).clamp(min=1), both.any(dim=0)


def jeffreys(one: Tensor, other: Tensor) -> Tensor:
    """Half of KL(p || q) + KL(q || p) for each row [B], mean over labels.

    Args:
        one: log-probabilities [B, C], or [B, L, 2] of several labels.
        other: of the same shape.
    """
    each = ((one.exp() - other.exp()) * (one - other)).sum(dim=-1) / 2
    return each if each.ndim == 1 else each.mean(dim=1)


def mean_where(values: Tensor, kept: Tensor) -> Tensor:
    """Mean of the kept values [B]; 0 when none is kept."""
    return values.where(kept, 0).sum() / kept.sum().clamp(min=1)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [SymmetricKlParams]
