"""Residual MLP: pre-normalised residual branches that start at zero.

Source: He et al. 2016, Identity Mappings in Deep Residual Networks, arXiv:1603.05027; zero start
after Goyal et al. 2017, arXiv:1706.02677.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from mmx import hookimpl
from mmx.interfaces import Features, Head, HeadOutput, HeadParams, Params


class ResidualMlpParams(HeadParams):
    """Settings of the residual MLP."""

    source: ClassVar[str] = "He et al. 2016, arXiv:1603.05027"

    type: Literal["residual_mlp"] = "residual_mlp"
    layers: NonNegativeInt = Field(default=2, description="number of residual branches")
    width: PositiveInt = Field(default=256, description="width of the stream, channels")
    expansion: PositiveInt = Field(
        default=2, description="hidden width of a branch, as a multiple of width"
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="share of hidden channels dropped")

    def build(self, dim: int, classes: int) -> "ResidualMlp":
        return ResidualMlp(
            dim, classes, self.layers, self.width, self.width * self.expansion, self.dropout
        )


class ResidualMlp(Head):
    """u_0 = W_in z; u_{l+1} = u_l + branch_l(u_l); logits = W_o LN(u_L)."""

    def __init__(
        self, dim: int, classes: int, layers: int, width: int, hidden: int, dropout: float
    ) -> None:
        super().__init__()
        self.enter = nn.Linear(dim, width)
        self.branches = nn.ModuleList(Branch(width, hidden, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, classes)

    def forward(self, features: Features) -> HeadOutput:
        stream = self.enter(features.pooled)
        for branch in self.branches:
            stream = stream + branch(stream)
        return HeadOutput(self.last(self.norm(stream)))


class Branch(nn.Module):
    """[B, width] -> W2 Drop(GELU(W1 LN u)), [B, width]; zero at the start."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.hidden = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout))
        self.last = nn.Linear(hidden, width)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, stream: Tensor) -> Tensor:
        """What the branch adds to the stream [B, width]."""
        result: Tensor = self.last(self.hidden(self.norm(stream)))
        return result


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [ResidualMlpParams]
