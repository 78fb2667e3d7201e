"""Asymmetric loss: absent labels that are easy weigh less than present ones, or nothing at all.

Source: Ridnik et al. 2021, Asymmetric Loss For Multi-Label Classification, arXiv:2009.14119. The
authors' code sums over batch and labels, so that its learning rate depends on their number; here
the mean over known labels is taken. Their code starts with gamma_positive 1, their paper with 0.
"""

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.blocks import known_labels, labels_per_row, mean_over_known
from mmx.interfaces import Loss, LossParams, LossValue, Outputs, Params


class AsymmetricParams(LossParams):
    """Settings of the asymmetric loss; its probabilities are biased: use inference.platt."""

    source: ClassVar[str] = "Ridnik et al. 2021, arXiv:2009.14119"
    tasks: ClassVar[frozenset[str]] = frozenset({"multi_label"})

    type: Literal["asymmetric"] = "asymmetric"
    gamma_positive: float = Field(default=0.0, ge=0, description="focus among present labels")
    gamma_negative: float = Field(default=4.0, ge=0, description="focus among absent labels")
    clip: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="absent labels of at most this probability have no loss and no gradient",
    )

    @property
    def rebalances(self) -> bool:
        return True

    @property
    def states_prior(self) -> bool:
        return self.gamma_positive == self.gamma_negative == self.clip == 0

    def build(self, class_counts: Tensor) -> "Asymmetric":
        return Asymmetric(self, labels_per_row(class_counts))


class Asymmetric(Loss):
    """-(1 - p)^g+ log p of a present label, -q^g- log(1 - q) of an absent; q = max(p - c, 0)."""

    def __init__(self, params: AsymmetricParams, per_row: float) -> None:
        super().__init__()
        self.params, self.per_row = params, per_row
        self.log_clip = math.log(params.clip) if params.clip else -math.inf

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        precise = torch.promote_types(outputs.logits.dtype, torch.float32)
        logits = outputs.logits.to(precise)
        known, positive = known_labels(target)
        each = torch.where(positive, self.present(logits), self.absent(logits))
        total = mean_over_known(each, known, self.per_row)
        return LossValue(total, {"asymmetric": total.detach()})

    def present(self, logits: Tensor) -> Tensor:
        """-(1 - p)^g+ log p [B, L]."""
        focus = (self.params.gamma_positive * F.logsigmoid(-logits)).exp()
        return focus * F.softplus(-logits)

    def absent(self, logits: Tensor) -> Tensor:
        """-q^g- log(1 - q) [B, L], where 1 - q = min(1 - p + c, 1)."""
        # never 0, where a gamma below 1 has an infinite slope
        shifted = (logits.sigmoid() - self.params.clip).clamp(min=torch.finfo(logits.dtype).tiny)
        clip = logits.new_tensor(self.log_clip)
        rest = torch.logaddexp(F.logsigmoid(-logits), clip).clamp(max=0)
        return shifted**self.params.gamma_negative * -rest


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [AsymmetricParams]
