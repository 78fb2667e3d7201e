"""Multimodal low-rank bilinear pooling (MLB): a product of two projections."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field, PositiveInt
from torch import nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import LearnedPlaceholder, fused_vector

Activation = Literal["tanh", "identity"]


class MlbParams(PairFusionParams):
    """Projects both modalities, multiplies and projects again."""

    type: Literal["mlb"] = "mlb"
    source: ClassVar[str] = "Kim et al. 2017, Low-rank Bilinear Pooling, arXiv:1610.04325"

    rank: PositiveInt = Field(
        default=256, description="width of the product; the reference uses 1200"
    )
    activation: Activation = Field(
        default="tanh", description="on both projections before the product"
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build_pair(self, first: FeatureShape, second: FeatureShape) -> "Mlb":
        return Mlb(first.dim, second.dim, self.dim, rank=self.rank, activation=self.activation)


class Mlb(PairFusion):
    """f = W_o (s(U x) s(V y)): [B, D_first], [B, D_second] -> [B, dim].

    A zero vector would kill the result, so a missing modality is a learned vector. Without biases
    it is bilinear when s is the identity.
    """

    def __init__(
        self,
        first_dim: int,
        second_dim: int,
        dim: int,
        *,
        rank: int = 256,
        activation: Activation = "tanh",
    ) -> None:
        super().__init__()
        self.dim = dim
        self.no_first = LearnedPlaceholder(first_dim)
        self.no_second = LearnedPlaceholder(second_dim)
        self.first = nn.Linear(first_dim, rank, bias=False)
        self.second = nn.Linear(second_dim, rank, bias=False)
        self.out = nn.Linear(rank, dim, bias=False)
        self.activation = nn.Tanh() if activation == "tanh" else nn.Identity()

    def forward(self, first: Features, second: Features) -> Features:
        x, y = self.no_first.pooled(first), self.no_second.pooled(second)
        fused = self.out(self.activation(self.first(x)) * self.activation(self.second(y)))
        return fused_vector(fused, first, second, parts={"first": x, "second": y})


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MlbParams]
