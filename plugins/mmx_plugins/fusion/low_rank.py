"""Low-rank multimodal fusion (LMF): the full outer product of all modalities, in few factors."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import mul
from typing import ClassVar, Literal

import torch
from einops import einsum, rearrange
from pydantic import Field, PositiveInt
from torch import nn

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import PerModality, fused_vector, real_pooled


class LowRankParams(FusionParams):
    """Multilinear fusion by a weight tensor of low rank."""

    type: Literal["low_rank"] = "low_rank"
    source: ClassVar[str] = "Liu et al. 2018, Low-rank Multimodal Fusion, arXiv:1806.00064"
    takes: ClassVar[tuple[int, int | None]] = (1, None)

    rank: PositiveInt = Field(default=8, description="number of factors; the paper tries 1 to 16")

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build(self, shapes: Mapping[str, FeatureShape]) -> "LowRank":
        return LowRank({name: shape.dim for name, shape in shapes.items()}, self.dim, self.rank)


class LowRank(Fusion):
    """f = sum_r w_r prod_m W_m^r [1; x_m] + b: [B, D_m] -> [B, dim].

    The bias of each Linear is the column of the constant 1. A missing modality is 0: its factor is
    that constant, which leaves a map of the others.
    """

    def __init__(self, dims: Mapping[str, int], dim: int, rank: int = 8) -> None:
        super().__init__()
        self.dim, self.rank = dim, rank
        self.factor = PerModality(
            {name: nn.Linear(width, rank * dim) for name, width in dims.items()}
        )
        self.weight = nn.Parameter(torch.ones(rank))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, features: Mapping[str, Features]) -> Features:
        x = {name: real_pooled(one) for name, one in features.items()}
        product = reduce(mul, (self.factor[name](vector) for name, vector in x.items()))
        by_rank = rearrange(product, "b (r d) -> b r d", r=self.rank)
        fused = einsum(self.weight, by_rank, "r, b r d -> b d") + self.bias
        return fused_vector(fused, *features.values(), parts=x)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, rank={self.rank}"


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [LowRankParams]
