"""Bidirectional co-attention: each of two modalities reads the other, at the same time."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal, cast

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import AttentionLayer, LearnedPlaceholder, fused_vector, real_pooled, same_width
from mmx.interfaces import masked_mean


class CoAttentionParams(PairFusionParams):
    """Both modalities read each other."""

    type: Literal["co_attention"] = "co_attention"
    source: ClassVar[str] = "Lu et al. 2019, ViLBERT, arXiv:1908.02265"

    layers: PositiveInt = Field(default=1, description="number of layers")
    heads: PositiveInt = Field(
        default=4, description="attention heads; divides the width of each modality"
    )
    shared: bool = Field(
        default=False,
        description="true: one set of weights for both directions, of equal widths then",
    )
    ffn: NonNegativeInt = Field(
        default=2, description="hidden over outer width; 0: no feed-forward"
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="probability on each branch")

    def build_pair(self, first: FeatureShape, second: FeatureShape) -> "CoAttention":
        if self.shared:
            same_width("co_attention with shared: true", first, second)
        return CoAttention(
            first.dim,
            second.dim,
            self.dim,
            layers=self.layers,
            heads=self.heads,
            shared=self.shared,
            ffn=self.ffn,
            dropout=self.dropout,
        )


class CoAttention(PairFusion):
    """[B, N, D_first] and [B, M, D_second] -> [B, dim].

    A' = layer(A, T), T' = layer(T, A), both from the old A and T, where layer(x, c) is
    x + MHA(LN x, LN c, LN c) followed by its feed-forward branch, so that one direction alone is
    cross-attention; f = Linear([mean A'; mean T']). a missing modality is one learned token.
    """

    # parameters: the numbers of the method, each a key of its settings; it is built without them
    def __init__(
        self,
        first_dim: int,
        second_dim: int,
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
        self.no_first = LearnedPlaceholder(first_dim)
        self.no_second = LearnedPlaceholder(second_dim)
        self.first_reads = nn.ModuleList(
            AttentionLayer(first_dim, second_dim, heads, expansion=ffn, dropout=dropout)
            for _ in range(layers)
        )
        self.second_reads = self.first_reads
        if not shared:
            self.second_reads = nn.ModuleList(
                AttentionLayer(second_dim, first_dim, heads, expansion=ffn, dropout=dropout)
                for _ in range(layers)
            )
        self.out = nn.Linear(first_dim + second_dim, dim)

    def forward(self, first: Features, second: Features) -> Features:
        a, first_mask = self.no_first.tokens(first)
        t, second_mask = self.no_second.tokens(second)
        explain: dict[str, Tensor] = {}
        pairs = cast(
            "Iterable[tuple[AttentionLayer, AttentionLayer]]",
            zip(self.first_reads, self.second_reads, strict=True),
        )
        for number, (first_reads, second_reads) in enumerate(pairs):
            if not self.training:
                explain[f"first_reads_second_{number}"] = first_reads.weights(a, t, second_mask)
                explain[f"second_reads_first_{number}"] = second_reads.weights(t, a, first_mask)
            a, t = first_reads(a, t, second_mask), second_reads(t, a, first_mask)
        means = [masked_mean(a, first_mask), masked_mean(t, second_mask)]
        fused = self.out(torch.cat(means, dim=-1))
        parts = {"first": real_pooled(first), "second": real_pooled(second)}
        return fused_vector(fused, first, second, parts=parts, explain=explain)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [CoAttentionParams]
