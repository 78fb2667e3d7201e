"""Low-rank multimodal fusion (LMF): the full outer product of both modalities, in few factors."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from einops import einsum, rearrange
from pydantic import Field, PositiveInt
from torch import nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import fused_vector, real_pooled


class LowRankParams(PairFusionParams):
    """Bilinear fusion by a weight tensor of low rank."""

    type: Literal["low_rank"] = "low_rank"
    source: ClassVar[str] = "Liu et al. 2018, Low-rank Multimodal PairFusion, arXiv:1806.00064"

    rank: PositiveInt = Field(default=8, description="number of factors; the paper tries 1 to 16")

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "LowRank":
        return LowRank(image.dim, text.dim, self.dim, self.rank)


class LowRank(PairFusion):
    """f = sum_r w_r (W_x^r [1; a]) (W_y^r [1; t]) + b: [B, D_image], [B, D_text] -> [B, dim].

    The bias of each Linear is the column of the constant 1. A missing side is 0, which leaves an
    affine map of the other.
    """

    def __init__(self, image_dim: int, text_dim: int, dim: int, rank: int = 8) -> None:
        super().__init__()
        self.dim, self.rank = dim, rank
        self.image, self.text = nn.Linear(image_dim, rank * dim), nn.Linear(text_dim, rank * dim)
        self.weight = nn.Parameter(torch.ones(rank))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, image: Features, text: Features) -> Features:
        a, t = real_pooled(image), real_pooled(text)
        x = rearrange(self.image(a), "b (r d) -> b r d", r=self.rank)
        y = rearrange(self.text(t), "b (r d) -> b r d", r=self.rank)
        fused = einsum(self.weight, x * y, "r, b r d -> b d") + self.bias
        return fused_vector(fused, image, text, parts={"first": a, "second": t})

    def extra_repr(self) -> str:
        return f"dim={self.dim}, rank={self.rank}"


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [LowRankParams]
