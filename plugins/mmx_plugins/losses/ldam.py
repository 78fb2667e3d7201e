"""Label-distribution-aware margins: rare classes must win by more; re-weighted towards the end.

Source: Cao et al. 2019, Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss,
arXiv:1906.07413.
"""

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.interfaces import Loss, LossParams, LossValue, Outputs, Params


class LdamParams(LossParams):
    """Settings of the label-distribution-aware margin; for a head with ``cosine: true``."""

    source: ClassVar[str] = "Cao et al. 2019, arXiv:1906.07413"
    instead: ClassVar[Mapping[str, str]] = {
        "multi_label": "use loss: class_balanced_bce or loss: asymmetric",
        "ordinal": "use loss: cumulative_link",
    }

    type: Literal["ldam"] = "ldam"
    scale: PositiveFloat = Field(
        default=30.0, description="factor s of the cosines, after the margin"
    )
    margin: float = Field(default=0.5, ge=0, description="margin of the rarest class, as a cosine")
    deferred: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="share of the training after which classes are re-weighted",
    )
    beta: float = Field(
        default=0.9999, ge=0, lt=1, description="of the class-balanced weights after the switch"
    )

    @property
    def rebalances(self) -> bool:
        return True

    @property
    def states_prior(self) -> bool:
        return False  # margins, and weights for a part of the training: no prior is known

    @property
    def needs_cosines(self) -> bool:
        return True

    def build(self, class_counts: Tensor) -> "Ldam":
        count = class_counts.double().clamp(min=1)  # a class without a row counts as one row
        margins = count**-0.25
        margins = self.margin * margins / margins.max()
        log_beta = math.log(self.beta) if self.beta > 0 else -math.inf
        weights = -1 / torch.expm1(count * log_beta)
        weights = weights * len(weights) / weights.sum()
        return Ldam(self.scale, self.deferred, margins.float(), weights.float())


class Ldam(Loss):
    """Mean over the batch of w_y CE(s (cos - m_y 1_y)); w is exactly 1 before the switch."""

    margins: Tensor
    weights: Tensor

    def __init__(self, scale: float, deferred: float, margins: Tensor, weights: Tensor) -> None:
        super().__init__()
        self.scale, self.deferred = scale, deferred
        self.register_buffer("margins", margins, persistent=False)
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        precise = torch.promote_types(outputs.logits.dtype, torch.float32)
        own = F.one_hot(target, len(self.margins)).to(precise)
        logits = self.scale * (outputs.logits.to(precise) - own * self.margins)
        right = F.log_softmax(logits, dim=-1).gather(1, target[:, None])[:, 0]
        switched = progress >= self.deferred
        weights = self.weights[target] if switched else torch.ones_like(right)
        total = (weights * -right).mean()
        return LossValue(total, {"ldam": total.detach()})

    def adjust(self, logits: Tensor) -> Tensor:
        return self.scale * logits


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [LdamParams]
