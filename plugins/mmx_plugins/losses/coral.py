"""CORAL: one binary question for each threshold between ordered levels, with one common scale.

Source: Cao et al. 2020, Rank Consistent Ordinal Regression, arXiv:1901.07884. Its thresholds are
free and in order only at the optimum; out of order they give probabilities below 0. Here they are
kept in order, and start where the training part has them.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.blocks import Cumulative
from mmx.interfaces import Link, Loss, LossParams, LossValue, Outputs, Params


class CoralParams(LossParams):
    """Settings of CORAL; it has none."""

    source: ClassVar[str] = "Cao et al. 2020, arXiv:1901.07884"
    tasks: ClassVar[frozenset[str]] = frozenset({"ordinal"})

    type: Literal["coral"] = "coral"

    def link(self, class_counts: Tensor) -> Link:
        return Cumulative(class_counts)

    def build(self, class_counts: Tensor) -> "Coral":
        return Coral()


class Coral(Loss):
    """Mean over the batch of sum_k BCE(f - t_k, [y > k])."""

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        precise = torch.promote_types(outputs.logits.dtype, torch.float32)
        logits = outputs.logits.to(precise)
        above = target[:, None] > torch.arange(logits.shape[1], device=target.device)
        total = F.softplus(torch.where(above, -logits, logits)).sum(dim=1).mean()
        return LossValue(total, {"coral": total.detach()})


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [CoralParams]
