"""Binary cross-entropy of each label on its own; unknown labels are left out.

Source: as the mean over known labels, Cohen et al. 2022, TorchXRayVision, arXiv:2111.00595; the
divisor is a constant of the training part instead of the count of each batch, so that batches add
up.
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


class BceParams(LossParams):
    """Settings of the binary cross-entropy."""

    source: ClassVar[str] = "Cohen et al. 2022, arXiv:2111.00595"
    tasks: ClassVar[frozenset[str]] = frozenset({"multi_label"})

    type: Literal["bce"] = "bce"
    reduction: Literal["known", "label"] = Field(
        default="known",
        description="known: each known label of a row counts alike; label: each label counts alike "
        "in sum, so that a known cell of a label that is seldom known weighs more",
    )

    def build(self, class_counts: Tensor) -> "Bce":
        labels = len(class_counts)
        if self.reduction == "known":
            return Bce(torch.full((labels,), 1 / labels_per_row(class_counts)))
        rows, known = class_counts[0].sum(), class_counts[:, :2].sum(dim=1)
        # a label that is never known has no term
        return Bce((rows / (labels * known.clamp(min=1))).float())


class Bce(Loss):
    """(1 / B) sum_il m_il w_l [y_il softplus(-z_il) + (1 - y_il) softplus(z_il)], m_il = known.

    w_l = 1 / mean number of known labels of a training row; with ``reduction: label``
    w_l = 1 / (L share of training rows in which l is known).
    """

    weights: Tensor

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        precise = torch.promote_types(outputs.logits.dtype, torch.float32)
        logits = outputs.logits.to(precise)
        known, positive = known_labels(target)
        each = self.weights * F.softplus(torch.where(positive, -logits, logits))
        total = mean_over_known(each, known, 1.0)
        return LossValue(total, {"bce": total.detach()})


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [BceParams]
