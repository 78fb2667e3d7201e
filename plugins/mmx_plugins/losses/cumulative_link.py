"""Proportional odds: one scale and ordered thresholds; the likelihood of ordered levels.

Source: McCullagh 1980, Regression Models for Ordinal Data, doi:10.1111/j.2517-6161.1980.tb01109.x.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor

from mmx import hookimpl
from mmx.blocks import Cumulative, level_log_probs
from mmx.interfaces import Link, Loss, LossParams, LossValue, Outputs, Params


class CumulativeLinkParams(LossParams):
    """Settings of the proportional odds model; it has none."""

    source: ClassVar[str] = "McCullagh 1980, doi:10.1111/j.2517-6161.1980.tb01109.x"
    tasks: ClassVar[frozenset[str]] = frozenset({"ordinal"})

    type: Literal["cumulative_link"] = "cumulative_link"

    def link(self, class_counts: Tensor) -> Link:
        return Cumulative(class_counts)

    def build(self, class_counts: Tensor) -> "CumulativeLink":
        return CumulativeLink()


class CumulativeLink(Loss):
    """Mean over the batch of -log p_y, p_k = sigmoid(f - t_{k-1}) - sigmoid(f - t_k)."""

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        precise = torch.promote_types(outputs.logits.dtype, torch.float32)
        log_probs = level_log_probs(outputs.logits.to(precise))
        total = -log_probs.gather(1, target[:, None]).mean()
        return LossValue(total, {"cumulative_link": total.detach()})


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [CumulativeLinkParams]
