"""Cross-entropy with label smoothing and class weights.

Source: Szegedy et al. 2016, Rethinking the Inception Architecture, arXiv:1512.00567.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.errors import ShapeError
from mmx.interfaces import Loss, LossParams, LossValue, Outputs, Params

Weights = Literal["inverse_frequency"] | tuple[PositiveFloat, ...] | None


class CrossEntropyParams(LossParams):
    """Settings of the cross-entropy."""

    source: ClassVar[str] = "Szegedy et al. 2016, arXiv:1512.00567"
    tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "ordinal"})
    instead: ClassVar[Mapping[str, str]] = {"multi_label": "use loss: bce"}

    type: Literal["cross_entropy"] = "cross_entropy"
    smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of the target that is spread evenly over all classes",
    )
    weights: Weights = Field(
        default=None,
        description="factor per class: null for 1, inverse_frequency (mean 1), or a list",
    )

    @property
    def rebalances(self) -> bool:
        """Whether it corrects class imbalance by itself."""
        return self.weights is not None

    def build(self, class_counts: Tensor) -> "CrossEntropy":
        return CrossEntropy(self.smoothing, class_weights(self.weights, class_counts))


class CrossEntropy(Loss):
    """Mean over the batch of w_y sum_c q_c (-log p_c), with q = (1 - e) 1_y + e / C."""

    weights: Tensor

    def __init__(self, smoothing: float, weights: Tensor) -> None:
        super().__init__()
        self.smoothing = smoothing
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        precise = torch.promote_types(outputs.logits.dtype, torch.float32)
        log_probs = F.log_softmax(outputs.logits, dim=-1, dtype=precise)
        hard = -log_probs.gather(1, target[:, None])[:, 0]
        each = (1 - self.smoothing) * hard - self.smoothing * log_probs.mean(dim=-1)
        total = (self.weights[target] * each).mean()
        return LossValue(total, {"cross_entropy": total.detach()})

    def prior(self, class_counts: Tensor) -> Tensor:
        weighted = super().prior(class_counts) * self.weights.double().cpu()
        return (1 - self.smoothing) * weighted / weighted.sum() + self.smoothing / len(weighted)


def class_weights(weights: Weights, class_counts: Tensor) -> Tensor:
    """One factor per class [C]; those of inverse_frequency have mean 1 over the classes."""
    if weights is None:
        return torch.ones(len(class_counts))
    if weights == "inverse_frequency":
        rare = 1 / class_counts.double().clamp(min=1)  # a class without a row counts as one row
        return (rare / rare.mean()).float()
    if len(weights) != len(class_counts):
        raise ShapeError(
            f"loss.weights must have one number for each of the {len(class_counts)} classes, "
            f"got {len(weights)}"
        )
    return torch.tensor(weights, dtype=torch.float32)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [CrossEntropyParams]
