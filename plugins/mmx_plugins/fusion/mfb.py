"""Multimodal factorised bilinear pooling (MFB): products per channel, summed and normalised."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from einops import reduce
from pydantic import Field, PositiveFloat, PositiveInt
from torch import nn
from torch.nn.functional import normalize

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import StandIn, fused_vector


class MfbParams(PairFusionParams):
    """Sums ``factor`` products per channel."""

    type: Literal["mfb"] = "mfb"
    source: ClassVar[str] = "Yu et al. 2017, Factorized Bilinear Pooling, arXiv:1708.01471"

    factor: PositiveInt = Field(default=4, description="products that are summed per channel")
    normalise_power: bool = Field(
        default=True,
        description="signed square root of each channel, then unit length of the vector",
    )
    eps: PositiveFloat = Field(
        default=1e-6, description="added under the root, in units of the product"
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="probability on the products")

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "Mfb":
        return Mfb(
            image.dim,
            text.dim,
            self.dim,
            factor=self.factor,
            normalise_power=self.normalise_power,
            eps=self.eps,
            dropout=self.dropout,
        )


class Mfb(PairFusion):
    """f = SumPool_k(U x V y), then z / sqrt(|z| + eps) and z / |z|: -> [B, dim].

    A missing side is a learned vector.
    """

    def __init__(
        self,
        image_dim: int,
        text_dim: int,
        dim: int,
        *,
        factor: int = 4,
        normalise_power: bool = True,
        eps: float = 1e-6,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.dim, self.factor = dim, factor
        self.normalise_power, self.eps = normalise_power, eps
        self.no_image, self.no_text = StandIn(image_dim), StandIn(text_dim)
        self.image = nn.Linear(image_dim, factor * dim, bias=False)
        self.text = nn.Linear(text_dim, factor * dim, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, image: Features, text: Features) -> Features:
        x, y = self.no_image.pooled(image), self.no_text.pooled(text)
        product = self.dropout(self.image(x) * self.text(y))
        z = reduce(product, "b (d k) -> b d", "sum", k=self.factor)
        if self.normalise_power:
            # sign(z) sqrt(|z|) has an infinite slope at 0; this form is finite there
            z = normalize(z / (z.abs() + self.eps).sqrt(), dim=-1, eps=self.eps)
        return fused_vector(z, image, text, parts={"first": x, "second": y})

    def extra_repr(self) -> str:
        return f"dim={self.dim}, factor={self.factor}, normalise_power={self.normalise_power}"


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MfbParams]
