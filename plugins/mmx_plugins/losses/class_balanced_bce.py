"""Balanced binary cross-entropy: of every label, presence and absence weigh alike in sum.

Source: King and Zeng 2001, Logistic Regression in Rare Events Data,
doi:10.1093/oxfordjournals.pan.a004868 (weights by prevalence); the cap is that of mmx.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.blocks import known_labels, labels_per_row, mean_over_known, prevalence
from mmx.interfaces import Loss, LossParams, LossValue, Outputs, Params


class ClassBalancedBceParams(LossParams):
    """Settings of the balanced binary cross-entropy."""

    source: ClassVar[str] = "King and Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868"
    tasks: ClassVar[frozenset[str]] = frozenset({"multi_label"})

    type: Literal["class_balanced_bce"] = "class_balanced_bce"
    cap: float = Field(
        default=20.0, ge=1, description="largest weight of a present or absent label"
    )

    @property
    def rebalances(self) -> bool:
        return True

    def build(self, class_counts: Tensor) -> "ClassBalancedBce":
        shares = prevalence(class_counts)
        each = torch.stack([1 - shares, shares], dim=1)  # [L, 2], absent and present
        weights = (0.5 / each).clamp(max=self.cap).float()
        return ClassBalancedBce(weights, labels_per_row(class_counts))


class ClassBalancedBce(Loss):
    """Binary cross-entropy times 1 / (2 pi_l) where label l is present, 1 / (2 (1 - pi_l)) else."""

    weights: Tensor

    def __init__(self, weights: Tensor, per_row: float) -> None:
        super().__init__()
        self.per_row = per_row
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        precise = torch.promote_types(outputs.logits.dtype, torch.float32)
        logits = outputs.logits.to(precise)
        known, positive = known_labels(target)
        weights = torch.where(positive, self.weights[:, 1], self.weights[:, 0])
        each = weights * F.softplus(torch.where(positive, -logits, logits))
        total = mean_over_known(each, known, self.per_row)
        return LossValue(total, {"class_balanced_bce": total.detach()})

    def prior(self, class_counts: Tensor) -> Tensor:
        weighted = super().prior(class_counts) * self.weights.double().cpu()
        return weighted / weighted.sum(dim=-1, keepdim=True)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [ClassBalancedBceParams]
