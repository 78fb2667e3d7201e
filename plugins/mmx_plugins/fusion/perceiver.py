"""Perceiver: a few learned latents read the tokens of all modalities."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from einops import repeat
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import (
    AttentionLayer,
    SelfAttentionLayer,
    either_present,
    real_pooled,
    real_tokens,
    same_width,
)


class PerceiverParams(FusionParams):
    """Latents that read the tokens of all modalities."""

    type: Literal["perceiver"] = "perceiver"
    source: ClassVar[str] = "Jaegle et al. 2021, Perceiver, arXiv:2103.03206"
    takes: ClassVar[tuple[int, int | None]] = (1, None)
    equal_widths: ClassVar[bool] = True

    latents: PositiveInt = Field(default=16, description="number of learned queries")
    layers: NonNegativeInt = Field(default=1, description="self-attention layers among the latents")
    heads: PositiveInt = Field(default=4, description="attention heads; divides dim")
    ffn: PositiveInt = Field(
        default=2, description="hidden over outer width in the self-attention layers"
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="probability on each branch")

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Perceiver":
        return Perceiver(
            len(shapes),
            same_width("perceiver", *shapes.values()),
            self.dim,
            latents=self.latents,
            layers=self.layers,
            heads=self.heads,
            ffn=self.ffn,
            dropout=self.dropout,
        )


class Perceiver(Fusion):
    """X = L + MHA(LN L, LN [X_m + e_m]_m), self-attention layers on X, f = mean X.

    [B, N_m, D] -> [B, latents, dim]. The tokens of a missing modality are masked. One latent
    without self-attention is attention pooling.
    """

    # parameters: the numbers of the method, each a key of its settings; it is built without them
    def __init__(
        self,
        modalities: int,
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
        self.modality = nn.Parameter(torch.randn(modalities, width) * 0.02)  # e_m
        self.read = AttentionLayer(dim, width, heads, expansion=0, dropout=dropout)
        self.layers = nn.ModuleList(
            SelfAttentionLayer(dim, heads, expansion=ffn, dropout=dropout) for _ in range(layers)
        )

    def forward(self, features: Mapping[str, Features]) -> Features:
        found = [real_tokens(one) for one in features.values()]
        pairs = zip(found, self.modality, strict=True)
        tokens = torch.cat([own + which for (own, _), which in pairs], dim=1)
        mask = torch.cat([own for _, own in found], dim=1)
        x = repeat(self.latents, "k d -> b k d", b=len(tokens))
        explain: dict[str, Tensor] = {}
        if not self.training:
            counts = [own.shape[1] for _, own in found]
            weights = torch.split(self.read.weights(x, tokens, mask), counts, dim=2)
            explain = {f"latents_read_{m}": own for m, own in zip(features, weights, strict=True)}
        x = self.read(x, tokens, mask)
        everyone = mask.new_ones(x.shape[:2])
        for layer in self.layers:
            x = layer(x, everyone)
        return Features(
            x,
            everyone,
            present=either_present(*features.values()),
            parts={name: real_pooled(one) for name, one in features.items()},
            explain=explain,
        )


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [PerceiverParams]
