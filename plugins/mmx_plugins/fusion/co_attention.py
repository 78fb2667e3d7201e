"""Bidirectional co-attention: image and text each read the other, at the same time."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal, cast

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl, masked_mean
from mmx.blocks import AttentionLayer, StandIn, fused_vector, real_pooled, same_width


class CoAttentionParams(PairFusionParams):
    """Both modalities read each other."""

    type: Literal["co_attention"] = "co_attention"
    source: ClassVar[str] = "Lu et al. 2019, ViLBERT, arXiv:1908.02265"

    layers: PositiveInt = Field(default=1, description="number of layers")
    heads: PositiveInt = Field(
        default=4, description="attention heads; divides the width of each side"
    )
    shared: bool = Field(
        default=False,
        description="true: one set of weights for both directions, of equal widths then",
    )
    ffn: NonNegativeInt = Field(
        default=2, description="hidden over outer width; 0: no feed-forward"
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="probability on each branch")

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "CoAttention":
        if self.shared:
            same_width("co_attention with shared: true", image, text)
        return CoAttention(
            image.dim,
            text.dim,
            self.dim,
            layers=self.layers,
            heads=self.heads,
            shared=self.shared,
            ffn=self.ffn,
            dropout=self.dropout,
        )


class CoAttention(PairFusion):
    """[B, N, D_image] and [B, M, D_text] -> [B, dim].

    A' = layer(A, T), T' = layer(T, A), both from the old A and T, where layer(x, c) is
    x + MHA(LN x, LN c, LN c) followed by its feed-forward branch, so that one direction alone is
    cross-attention; f = Linear([mean A'; mean T']). A missing side is one learned token.
    """

    def __init__(
        self,
        image_dim: int,
        text_dim: int,
        dim: int,
        *,
        layers: int = 1,
        heads: int = 4,
        shared: bool = False,
        ffn: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.no_image, self.no_text = StandIn(image_dim), StandIn(text_dim)
        self.image_reads = nn.ModuleList(
            AttentionLayer(image_dim, text_dim, heads, expansion=ffn, dropout=dropout)
            for _ in range(layers)
        )
        self.text_reads = self.image_reads
        if not shared:
            self.text_reads = nn.ModuleList(
                AttentionLayer(text_dim, image_dim, heads, expansion=ffn, dropout=dropout)
                for _ in range(layers)
            )
        self.out = nn.Linear(image_dim + text_dim, dim)

    def forward(self, image: Features, text: Features) -> Features:
        a, image_mask = self.no_image.tokens(image)
        t, text_mask = self.no_text.tokens(text)
        explain: dict[str, Tensor] = {}
        pairs = cast(
            "Iterable[tuple[AttentionLayer, AttentionLayer]]",
            zip(self.image_reads, self.text_reads, strict=True),
        )
        for number, (image_reads, text_reads) in enumerate(pairs):
            if not self.training:
                explain[f"image_reads_text_{number}"] = image_reads.weights(a, t, text_mask)
                explain[f"text_reads_image_{number}"] = text_reads.weights(t, a, image_mask)
            a, t = image_reads(a, t, text_mask), text_reads(t, a, image_mask)
        fused = self.out(torch.cat([masked_mean(a, image_mask), masked_mean(t, text_mask)], dim=-1))
        parts = {"first": real_pooled(image), "second": real_pooled(text)}
        return fused_vector(fused, image, text, parts=parts, explain=explain)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [CoAttentionParams]
