"""Multimodal factorised bilinear pooling (MFB): products per channel, summed and normalised.

The source has two modalities; the product of more is ours.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import mul
from typing import ClassVar, Literal

import einops
from pydantic import Field, PositiveFloat, PositiveInt
from torch import nn
from torch.nn.functional import normalize

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import LearnedPlaceholder, PerModality, fused_vector


class MfbParams(FusionParams):
    """Sums ``factor`` products per channel."""

    type: Literal["mfb"] = "mfb"
    source: ClassVar[str] = "Yu et al. 2017, Factorized Bilinear Pooling, arXiv:1708.01471"
    takes: ClassVar[tuple[int, int | None]] = (1, None)

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

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Mfb":
        return Mfb(
            {name: shape.dim for name, shape in shapes.items()},
            self.dim,
            factor=self.factor,
            normalise_power=self.normalise_power,
            eps=self.eps,
            dropout=self.dropout,
        )


class Mfb(Fusion):
    """f = SumPool_k(prod_m U_m x_m), then z / sqrt(|z| + eps) and z / |z|: -> [B, dim].

    A missing modality is a learned vector.
    """

    def __init__(
        self,
        dims: Mapping[str, int],
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
        self.missing = PerModality(
            {name: LearnedPlaceholder(width) for name, width in dims.items()}
        )
        self.project = PerModality(
            {name: nn.Linear(width, factor * dim, bias=False) for name, width in dims.items()}
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Mapping[str, Features]) -> Features:
        x = {name: self.missing[name].pooled(one) for name, one in features.items()}
        product = self.dropout(reduce(mul, (self.project[m](vector) for m, vector in x.items())))
        z = einops.reduce(product, "b (d k) -> b d", "sum", k=self.factor)
        if self.normalise_power:
            # sign(z) sqrt(|z|) has an infinite slope at 0; this form is finite there
            z = normalize(z / (z.abs() + self.eps).sqrt(), dim=-1, eps=self.eps)
        return fused_vector(z, *features.values(), parts=x)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, factor={self.factor}, normalise_power={self.normalise_power}"


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MfbParams]
