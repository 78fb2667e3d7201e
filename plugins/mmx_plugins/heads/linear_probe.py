"""A linear probe that is fitted before training, and a hidden layer that learns what it leaves.

The probe is the linear model of the control ``probe`` of each run, and the same one where the head
reads what the control reads: frozen features that nothing projects or normalises. Training begins
at it, and leaves it only where validation improves.

Source: Kumar et al. 2022, Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution, arXiv:2202.10054 (linear probing first).
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from mmx import hookimpl
from mmx.evaluation import fit_linear_map
from mmx.interfaces import Features, Head, HeadOutput, HeadParams, HeadRows, Params


class LinearProbeParams(HeadParams):
    """Settings of the linear probe."""

    source: ClassVar[str] = "Kumar et al. 2022, arXiv:2202.10054"

    type: Literal["linear_probe"] = "linear_probe"
    hidden: PositiveInt | None = Field(
        default=256, description="width of the hidden layer beside the probe, channels; null: none"
    )
    dropout: float = Field(default=0.5, ge=0, lt=1, description="share of hidden channels dropped")

    def build(self, dim: int, classes: int) -> "LinearProbe":
        return LinearProbe(dim, self.hidden, classes, self.dropout)


class LinearProbe(Head):
    """Pooled x [B, D] -> V z + b + W2 Drop(ReLU(W1 z)), z = (x - mean) / spread.

    Fitting gives mean and spread of each channel, V and b, and makes W2 = 0.
    """

    fits_first = True
    mean: Tensor
    spread: Tensor

    def __init__(self, dim: int, hidden: int | None, classes: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("spread", torch.ones(dim))
        self.probe = nn.Linear(dim, classes)
        self.hidden: nn.Sequential | None = None
        if hidden is not None:
            self.hidden = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Dropout(dropout))
            self.last = nn.Linear(hidden, classes, bias=False)

    def forward(self, features: Features) -> HeadOutput:
        z = (features.pooled - self.mean) / self.spread
        logits = self.probe(z)
        if self.hidden is None:
            return HeadOutput(logits)
        return HeadOutput(logits + self.last(self.hidden(z)))

    def fit(self, rows: HeadRows) -> None:
        found = fit_linear_map(
            rows.train, rows.validation, self.probe.out_features, rows.loss, rows.quality
        )
        with torch.no_grad():
            self.mean.copy_(found.mean)
            self.spread.copy_(found.spread)
            self.probe.weight.copy_(found.weight)
            self.probe.bias.copy_(found.bias)
            if self.hidden is not None:
                self.last.weight.zero_()


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [LinearProbeParams]
