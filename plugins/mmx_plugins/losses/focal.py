"""Focal loss: cross-entropy that pays less attention to samples that are already right.

Source: Lin et al. 2017, Focal Loss for Dense Object Detection, arXiv:1708.02002; softmax form.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.interfaces import Loss, LossParams, LossValue, Outputs, Params


class FocalParams(LossParams):
    """Settings of the focal loss."""

    source: ClassVar[str] = "Lin et al. 2017, arXiv:1708.02002"
    tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "ordinal"})
    instead: ClassVar[Mapping[str, str]] = {"multi_label": "use loss: focal_bce"}

    type: Literal["focal"] = "focal"
    gamma: float = Field(default=2.0, ge=0, description="focus on hard samples; 0: cross-entropy")
    alpha: Literal["inverse_frequency"] | None = Field(
        default=None, description="factor per class: null for 1, or inverse_frequency (mean 1)"
    )

    @property
    def rebalances(self) -> bool:
        """Whether it corrects class imbalance by itself."""
        return self.alpha is not None

    @property
    def states_prior(self) -> bool:
        return self.gamma == 0  # else its smallest value lies beside the true probabilities

    def build(self, class_counts: Tensor) -> "Focal":
        alpha = torch.ones(len(class_counts))
        if self.alpha is not None:
            rare = 1 / class_counts.double().clamp(min=1)  # a class without a row counts as one row
            alpha = (rare / rare.mean()).float()
        return Focal(self.gamma, alpha)


class Focal(Loss):
    """Mean over the batch of -alpha_y (1 - p_y)^gamma log p_y."""

    alpha: Tensor

    def __init__(self, gamma: float, alpha: Tensor) -> None:
        super().__init__()
        self.gamma = gamma
        self.register_buffer("alpha", alpha, persistent=False)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        precise = torch.promote_types(outputs.logits.dtype, torch.float32)
        log_probs = F.log_softmax(outputs.logits, dim=-1, dtype=precise)
        right = log_probs.gather(1, target[:, None])[:, 0]
        # 1 - p without cancellation; never 0, where a gamma below 1 has an infinite gradient
        wrong = (-torch.expm1(right)).clamp(min=torch.finfo(precise).tiny)
        total = (self.alpha[target] * wrong**self.gamma * -right).mean()
        return LossValue(total, {"focal": total.detach()})

    def prior(self, class_counts: Tensor) -> Tensor:
        return super().prior(class_counts) * self.alpha.double().cpu()


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [FocalParams]
