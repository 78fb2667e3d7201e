"""Class-balanced loss: cross-entropy weighted by the effective number of samples of each class.

Source: Cui et al. 2019, Class-Balanced Loss Based on Effective Number of Samples, arXiv:1901.05555.
"""

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.interfaces import Loss, LossParams, LossValue, Outputs, Params


class ClassBalancedParams(LossParams):
    """Settings of the class-balanced loss."""

    source: ClassVar[str] = "Cui et al. 2019, arXiv:1901.05555"
    tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "ordinal"})
    instead: ClassVar[Mapping[str, str]] = {"multi_label": "use loss: class_balanced_bce"}

    type: Literal["class_balanced"] = "class_balanced"
    beta: float = Field(
        default=0.9999,
        ge=0,
        lt=1,
        description="0: no weights; towards 1: weights as 1 / class count",
    )

    @property
    def rebalances(self) -> bool:
        return True

    def build(self, class_counts: Tensor) -> "ClassBalancedLoss":
        return ClassBalancedLoss(effective_weights(class_counts, self.beta))


class ClassBalancedLoss(Loss):
    """Mean over the batch of w_y (-log p_y)."""

    weights: Tensor

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        precise = torch.promote_types(outputs.logits.dtype, torch.float32)
        log_probs = F.log_softmax(outputs.logits, dim=-1, dtype=precise)
        right = log_probs.gather(1, target[:, None])[:, 0]
        total = (self.weights[target] * -right).mean()
        return LossValue(total, {"class_balanced": total.detach()})

    def prior(self, class_counts: Tensor) -> Tensor:
        return super().prior(class_counts) * self.weights.double().cpu()


def effective_weights(class_counts: Tensor, beta: float) -> Tensor:
    """Weights w_c = (1 - beta) / (1 - beta^n_c), scaled to sum to C.

    Args:
        class_counts: [C]; a class without a row counts as one row.
        beta: in [0, 1).

    Returns:
        [C], float32.
    """
    count = class_counts.double().clamp(min=1)
    log_beta = math.log(beta) if beta > 0 else -math.inf
    weights = -1 / torch.expm1(count * log_beta)  # 1 - beta is left to the scaling
    return (weights * len(weights) / weights.sum()).float()


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [ClassBalancedParams]
