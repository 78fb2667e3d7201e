"""Perceiver: a few learned latents read all tokens of both modalities."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from einops import repeat
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import (
    AttentionLayer,
    SelfAttentionLayer,
    either_present,
    real_pooled,
    real_tokens,
    same_width,
)


class PerceiverParams(PairFusionParams):
    """Latents that read the tokens of both modalities."""

    type: Literal["perceiver"] = "perceiver"
    source: ClassVar[str] = "Jaegle et al. 2021, Perceiver, arXiv:2103.03206"
    equal_widths: ClassVar[bool] = True

    latents: PositiveInt = Field(default=16, description="number of learned queries")
    layers: NonNegativeInt = Field(default=1, description="self-attention layers among the latents")
    heads: PositiveInt = Field(default=4, description="attention heads; divides dim")
    ffn: PositiveInt = Field(
        default=2, description="hidden over outer width in the self-attention layers"
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="probability on each branch")

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "Perceiver":
        return Perceiver(
            same_width("perceiver", image, text),
            self.dim,
            latents=self.latents,
            layers=self.layers,
            heads=self.heads,
            ffn=self.ffn,
            dropout=self.dropout,
        )


class Perceiver(PairFusion):
    """X = L + MHA(LN L, LN [A + e_i; T + e_t]), self-attention layers on X, f = mean X.

    [B, N, D] and [B, M, D] -> [B, latents, dim]. The tokens of a missing side are masked. One
    latent without self-attention is attention pooling.
    """

    def __init__(
        self,
        width: int,
        dim: int,
        *,
        latents: int = 16,
        layers: int = 1,
        heads: int = 4,
        ffn: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.latents = nn.Parameter(torch.randn(latents, dim) * 0.02)
        self.side = nn.Parameter(torch.randn(2, width) * 0.02)  # e_i, e_t
        self.read = AttentionLayer(dim, width, heads, expansion=0, dropout=dropout)
        self.layers = nn.ModuleList(
            SelfAttentionLayer(dim, heads, expansion=ffn, dropout=dropout) for _ in range(layers)
        )

    def forward(self, image: Features, text: Features) -> Features:
        (a, image_mask), (t, text_mask) = real_tokens(image), real_tokens(text)
        tokens = torch.cat([a + self.side[0], t + self.side[1]], dim=1)
        mask = torch.cat([image_mask, text_mask], dim=1)
        x = repeat(self.latents, "k d -> b k d", b=len(tokens))
        explain: dict[str, Tensor] = {}
        if not self.training:
            explain["attention"] = self.read.weights(x, tokens, mask)
        x = self.read(x, tokens, mask)
        everyone = mask.new_ones(x.shape[:2])
        for layer in self.layers:
            x = layer(x, everyone)
        return Features(
            x,
            everyone,
            present=either_present(image, text),
            parts={"first": real_pooled(image), "second": real_pooled(text)},
            explain=explain,
        )


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [PerceiverParams]
