"""Logit adjustment: class priors added to the logits, which makes balanced accuracy the aim.

Source: Menon et al. 2021, Long-tail learning via logit adjustment, arXiv:2007.07314; with tau = 1
the training form is the Balanced Softmax of Ren et al. 2020, arXiv:2007.10740.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.interfaces import Loss, LossParams, LossValue, Outputs, Params

Mode = Literal["train", "post_hoc"]


class LogitAdjustedParams(LossParams):
    """Settings of logit adjustment."""

    source: ClassVar[str] = "Menon et al. 2021, arXiv:2007.07314"
    tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "ordinal"})
    instead: ClassVar[Mapping[str, str]] = {"multi_label": "use loss: logit_adjusted_bce"}

    type: Literal["logit_adjusted"] = "logit_adjusted"
    tau: float = Field(
        default=1.0, ge=0, description="strength; 1 is consistent for balanced accuracy"
    )
    mode: Mode = Field(
        default="train", description="add the prior while training, or take it away when predicting"
    )

    @property
    def rebalances(self) -> bool:
        return True

    def build(self, class_counts: Tensor) -> "LogitAdjustedLoss":
        count = class_counts.double().clamp(min=1)  # a class without a row counts as one row
        return LogitAdjustedLoss(self.mode, (self.tau * (count / count.sum()).log()).float())


class LogitAdjustedLoss(Loss):
    """Train CE(z + tau log pi) and predict with z; or train CE(z), predict with z - tau log pi."""

    offsets: Tensor

    def __init__(self, mode: Mode, offsets: Tensor) -> None:
        super().__init__()
        self.mode = mode
        self.register_buffer("offsets", offsets, persistent=False)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        precise = torch.promote_types(outputs.logits.dtype, torch.float32)
        logits = outputs.logits.to(precise)
        if self.mode == "train":
            logits = logits + self.offsets
        total = -F.log_softmax(logits, dim=-1).gather(1, target[:, None]).mean()
        return LossValue(total, {"logit_adjusted": total.detach()})

    def adjust(self, logits: Tensor) -> Tensor:
        return logits - self.offsets if self.mode == "post_hoc" else logits

    def prior(self, class_counts: Tensor) -> Tensor:
        return super().prior(class_counts) * (-self.offsets.double().cpu()).exp()


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [LogitAdjustedParams]
