"""MUTAN: bilinear fusion by a Tucker decomposition whose core has slices of low rank.

A full bilinear form has D_image x D_text x dim weights. Tucker's decomposition projects all three
axes first and leaves a small core; MUTAN writes each slice of that core as a sum of few outer
products, so that it is a sum of products of two projections.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from einops import rearrange
from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import LearnedPlaceholder, fused_vector
from pydantic import Field, PositiveInt
from torch import Tensor, nn

MMX_API = 2  # version of the interfaces of mmx that this module is written for


class MutanParams(PairFusionParams):
    """Settings of mutan."""

    type: Literal["mutan"] = "mutan"
    source: ClassVar[str] = "Ben-younes et al. 2017, MUTAN, arXiv:1705.06676"

    core: PositiveInt = Field(default=128, description="width of each axis of the core, channels")
    rank: PositiveInt = Field(default=5, description="outer products in each slice of the core")

    @property
    def reads(self) -> frozenset[str]:
        """Only the pooled vectors; nothing else is computed or cached for it."""
        return frozenset({"pooled"})

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "Mutan":
        """Build the module for features of these widths."""
        return Mutan(image.dim, text.dim, self.dim, core=self.core, rank=self.rank)


class Mutan(PairFusion):
    """z = sum_r (M_r v) * (N_r t) with v = tanh(W_v x), t = tanh(W_t y); f = W_o z.

    x is [B, D_image], y [B, D_text], z [B, core] and f [B, dim]. A product with zeros would be
    zero whatever the other side says, so a learned vector stands for a missing side.
    """

    def __init__(
        self, image_dim: int, text_dim: int, dim: int, *, core: int = 128, rank: int = 5
    ) -> None:
        super().__init__()
        self.dim, self.rank = dim, rank
        self.no_image = LearnedPlaceholder(image_dim)
        self.no_text = LearnedPlaceholder(text_dim)
        self.image, self.text = nn.Linear(image_dim, core), nn.Linear(text_dim, core)
        # all M_r in one matrix, and all N_r in another
        self.image_factors = nn.Linear(core, rank * core, bias=False)
        self.text_factors = nn.Linear(core, rank * core, bias=False)
        # a bias would drown the small sums of products: what the head sees would hardly differ
        self.out = nn.Linear(core, dim, bias=False)

    def forward(self, image: Features, text: Features) -> Features:
        """Fuse the pooled vectors."""
        x, y = self.no_image.pooled(image), self.no_text.pooled(text)
        z = self.through_core(self.image(x).tanh(), self.text(y).tanh())
        return fused_vector(self.out(z), image, text, parts={"first": x, "second": y})

    def through_core(self, v: Tensor, t: Tensor) -> Tensor:
        """sum_r (M_r v) * (N_r t): [B, core] and [B, core] -> [B, core]."""
        m = rearrange(self.image_factors(v), "b (r k) -> b r k", r=self.rank)
        n = rearrange(self.text_factors(t), "b (r k) -> b r k", r=self.rank)
        z: Tensor = (m * n).sum(dim=1)
        return z


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """The methods of this module."""
    return [MutanParams]
