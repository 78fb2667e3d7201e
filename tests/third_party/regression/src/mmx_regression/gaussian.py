"""Gaussian likelihood: an answer with a spread of its own for each case.

Source: Nix and Weigend 1994, Estimating the mean and variance of the target probability
distribution, doi:10.1109/ICNN.1994.374138.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from mmx import Loss, LossParams, LossValue, Outputs, Params, hookimpl
from mmx.interfaces import Link
from torch import Tensor

from mmx_regression.scale import Scale

MMX_API = 2
FARTHEST = 10.0  # of a logarithm: spreads from e^-10 to e^10 of that of the training part


class GaussianParams(LossParams):
    """Settings of the loss."""

    type: Literal["gaussian"] = "gaussian"
    source: ClassVar[str] = "Nix and Weigend 1994, doi:10.1109/ICNN.1994.374138"
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})

    def link(self, class_counts: Tensor) -> Link:
        """An answer and the logarithm of its spread."""
        return Scale(class_counts, inputs=2)

    def build(self, class_counts: Tensor) -> "Gaussian":
        """For this mean and spread."""
        return Gaussian(class_counts)


class Gaussian(Loss):
    """Mean over the batch of log s + (answer - target)^2 / (2 s^2), s in units of the spread."""

    def __init__(self, counts: Tensor) -> None:
        super().__init__()
        self.spread = float(counts[1])

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        """Score a batch."""
        gaps = (outputs.logits[:, 0] - target.float()) / self.spread
        scale = torch.tensor(self.spread).log()
        logs = (outputs.logits[:, 1] - scale).clamp(-FARTHEST, FARTHEST)
        total = (logs + gaps**2 / (2 * (2 * logs).exp())).mean()
        return LossValue(total, {"gaussian": total.detach()})

    def prior(self, class_counts: Tensor) -> Tensor:
        """[1, 2], the mean and the logarithm of the spread of the training part."""
        mean, spread = class_counts.double()
        return torch.stack([mean, spread.log()])[None]


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """The loss."""
    return [GaussianParams]
