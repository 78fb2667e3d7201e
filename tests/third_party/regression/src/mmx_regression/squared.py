"""Squared error, in units of the spread of the training part."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from mmx import Loss, LossParams, LossValue, Outputs, Params, hookimpl
from mmx.interfaces import Link
from torch import Tensor

from mmx_regression.scale import Scale

MMX_API = 2


class SquaredParams(LossParams):
    """Settings of the loss."""

    type: Literal["squared"] = "squared"
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})

    def link(self, class_counts: Tensor) -> Link:
        """An answer in units of the training part."""
        return Scale(class_counts)

    def build(self, class_counts: Tensor) -> "Squared":
        """For this mean and spread."""
        return Squared(float(class_counts[1]))


class Squared(Loss):
    """Mean over the batch of (answer - target)^2 / spread^2."""

    def __init__(self, spread: float) -> None:
        super().__init__()
        self.spread = spread

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        """Score a batch."""
        gaps = (outputs.logits[:, 0] - target.float()) / self.spread
        total = (gaps**2).mean()
        return LossValue(total, {"squared": total.detach()})

    def prior(self, class_counts: Tensor) -> Tensor:
        """[1, 1], the mean: the constant answer of the smallest loss."""
        return class_counts[:1].double()[None]


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """The loss."""
    return [SquaredParams]
