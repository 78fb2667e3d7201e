"""Bottleneck fusion (MBT): one transformer per modality, which talk only through shared tokens.

One stream reaches another only after two fusion layers: one writes the bottleneck, one reads it.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Self

import torch
from einops import repeat
from pydantic import Field, NonNegativeInt, PositiveInt, model_validator
from torch import Tensor, nn

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import (
    LearnedPlaceholder,
    PerModality,
    SelfAttentionLayer,
    fused_vector,
    real_pooled,
    same_width,
)
from mmx.interfaces import masked_mean


class BottleneckParams(FusionParams):
    """Streams that exchange through bottleneck tokens."""

    type: Literal["bottleneck"] = "bottleneck"
    source: ClassVar[str] = "Nagrani et al. 2021, Attention Bottlenecks, arXiv:2107.00135"
    takes: ClassVar[tuple[int, int | None]] = (1, None)
    equal_widths: ClassVar[bool] = True

    layers: PositiveInt = Field(default=2, description="transformer layers per modality")
    start: NonNegativeInt = Field(
        default=0, description="first layer with bottlenecks, from 0; < layers"
    )
    bottlenecks: NonNegativeInt = Field(
        default=4, description="shared tokens; 0: separate encoders"
    )
    heads: PositiveInt = Field(
        default=4, description="attention heads; divides the width of the inputs"
    )
    ffn: NonNegativeInt = Field(
        default=2, description="hidden over outer width; 0: no feed-forward"
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="probability on each branch")

    @model_validator(mode="after")
    def _starts_somewhere(self) -> Self:
        if self.start >= self.layers:
            raise ValueError(f"start must be below layers = {self.layers}, got {self.start}")
        return self

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Bottleneck":
        return Bottleneck(
            tuple(shapes),
            same_width("bottleneck", *shapes.values()),
            self.dim,
            layers=self.layers,
            start=self.start,
            bottlenecks=self.bottlenecks,
            heads=self.heads,
            ffn=self.ffn,
            dropout=self.dropout,
        )


class Bottleneck(Fusion):
    """[B, N_m, D] -> [B, dim]: f = Linear([mean X_1; ...; mean X_M]).

    From layer ``start`` each stream attends to itself and b; then b becomes the mean over present
    modalities of what each made of it. A learned vector stands for the stream of a missing one.
    """

    # parameters: the numbers of the method, each a key of its settings; it is built without them
    def __init__(
        self,
        modalities: Sequence[str],
        width: int,
        dim: int,
        *,
        layers: int = 2,
        start: int = 0,
        bottlenecks: int = 4,
        heads: int = 4,
        ffn: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.start = start
        self.depth = layers
        self.bottlenecks = nn.Parameter(torch.randn(bottlenecks, width) * 0.02)
        self.missing = PerModality({name: LearnedPlaceholder(width) for name in modalities})
        self.layers = PerModality(
            {
                name: nn.ModuleList(
                    SelfAttentionLayer(width, heads, expansion=ffn, dropout=dropout)
                    for _ in range(layers)
                )
                for name in modalities
            }
        )
        self.out = nn.Linear(len(modalities) * width, dim)

    def forward(self, features: Mapping[str, Features]) -> Features:
        streams = {name: self.missing[name].tokens(one) for name, one in features.items()}
        x = {name: tokens for name, (tokens, _) in streams.items()}
        b: Tensor = repeat(self.bottlenecks, "k d -> b k d", b=len(next(iter(x.values()))))
        present = torch.stack([one.present for one in features.values()], dim=1)
        for number in range(self.depth):
            written = []
            for name, (_, mask) in streams.items():
                layer = self.layers[name][number]
                if number < self.start:
                    x[name] = layer(x[name], mask)
                    continue
                x[name], of_one = _with_bottlenecks(layer, x[name], mask, b)
                written.append(of_one)
            b = _mean_of_present(torch.stack(written, dim=1), present) if written else b
        means = [
            self.missing[name].instead_of(masked_mean(x[name], mask), features[name].present)
            for name, (_, mask) in streams.items()
        ]
        fused = self.out(torch.cat(means, dim=-1))
        parts = {name: real_pooled(one) for name, one in features.items()}
        return fused_vector(fused, *features.values(), parts=parts)


def _with_bottlenecks(
    layer: nn.Module, x: Tensor, mask: Tensor, b: Tensor
) -> tuple[Tensor, Tensor]:
    """One layer over [x; b]: the updated x [B, N, D] and b [B, K, D]."""
    everything = torch.cat([x, b], dim=1)
    seen = torch.cat([mask, mask.new_ones(b.shape[:2])], dim=1)
    updated: Tensor = layer(everything, seen)
    return updated[:, : x.shape[1]], updated[:, x.shape[1] :]


def _mean_of_present(written: Tensor, present: Tensor) -> Tensor:
    """Mean [B, K, D] of [B, M, K, D] over the modalities that are there; over all where none is."""
    weights = (present | ~present.any(dim=1, keepdim=True)).to(written.dtype)
    weights = weights / weights.sum(dim=1, keepdim=True)
    return (weights[..., None, None] * written).sum(dim=1)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [BottleneckParams]
