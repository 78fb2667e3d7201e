"""Logit adjustment of each label: its prevalence is added while training, which makes it even.

Source: Menon et al. 2021, Long-tail learning via logit adjustment, arXiv:2007.07314, with two
classes for each label.
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


class LogitAdjustedBceParams(LossParams):
    """Settings of logit adjustment of several labels.

    With tau = 1 the answers are for labels that are there in half of the rows: choose thresholds on
    validation, or add inference.prior_correction for probabilities of the training part.
    """

    source: ClassVar[str] = "Menon et al. 2021, arXiv:2007.07314"
    tasks: ClassVar[frozenset[str]] = frozenset({"multi_label"})

    type: Literal["logit_adjusted_bce"] = "logit_adjusted_bce"
    tau: float = Field(
        default=1.0, ge=0, description="strength; 1 is consistent for the balanced error; 0: bce"
    )

    @property
    def rebalances(self) -> bool:
        return True

    def build(self, class_counts: Tensor) -> "LogitAdjustedBce":
        offsets = (self.tau * prevalence(class_counts).logit()).float()
        return LogitAdjustedBce(offsets, labels_per_row(class_counts))


class LogitAdjustedBce(Loss):
    """Train BCE(z_l + tau logit pi_l) and predict with z_l."""

    offsets: Tensor

    def __init__(self, offsets: Tensor, per_row: float) -> None:
        super().__init__()
        self.per_row = per_row
        self.register_buffer("offsets", offsets, persistent=False)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        precise = torch.promote_types(outputs.logits.dtype, torch.float32)
        logits = outputs.logits.to(precise) + self.offsets
        known, positive = known_labels(target)
        each = F.softplus(torch.where(positive, -logits, logits))
        total = mean_over_known(each, known, self.per_row)
        return LossValue(total, {"logit_adjusted_bce": total.detach()})

    def prior(self, class_counts: Tensor) -> Tensor:
        odds = torch.stack([torch.zeros_like(self.offsets), -self.offsets], dim=1)
        weighted = super().prior(class_counts) * odds.double().cpu().exp()
        return weighted / weighted.sum(dim=-1, keepdim=True)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [LogitAdjustedBceParams]
