"""Focal loss of each label on its own: less attention to labels that are already right.

Source: Lin et al. 2017, Focal Loss for Dense Object Detection, arXiv:1708.02002; its own, sigmoid
form.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.blocks import known_labels, labels_per_row, mean_over_known
from mmx.interfaces import Loss, LossParams, LossValue, Outputs, Params


class FocalBceParams(LossParams):
    """Settings of the focal loss of several labels."""

    source: ClassVar[str] = "Lin et al. 2017, arXiv:1708.02002"
    tasks: ClassVar[frozenset[str]] = frozenset({"multi_label"})

    type: Literal["focal_bce"] = "focal_bce"
    gamma: float = Field(default=2.0, ge=0, description="focus on hard labels; 0: bce")

    @property
    def states_prior(self) -> bool:
        return self.gamma == 0  # else its smallest value lies beside the true probabilities

    def build(self, class_counts: Tensor) -> "FocalBce":
        return FocalBce(self.gamma, labels_per_row(class_counts))


class FocalBce(Loss):
    """-(1 - p_t)^gamma log p_t of each known label, p_t = p where it is present, else 1 - p."""

    def __init__(self, gamma: float, per_row: float) -> None:
        super().__init__()
        self.gamma, self.per_row = gamma, per_row

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        precise = torch.promote_types(outputs.logits.dtype, torch.float32)
        logits = outputs.logits.to(precise)
        known, positive = known_labels(target)
        towards = torch.where(positive, logits, -logits)
        # (1 - p_t)^gamma = e^(gamma log(1 - p_t)): finite slopes for every gamma
        each = (self.gamma * F.logsigmoid(-towards)).exp() * F.softplus(-towards)
        total = mean_over_known(each, known, self.per_row)
        return LossValue(total, {"focal_bce": total.detach()})


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [FocalBceParams]
