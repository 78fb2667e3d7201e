"""Bottleneck fusion (MBT): two transformers that talk only through a few shared tokens.

Text reaches the image stream only after two fusion layers: one writes the bottleneck, one reads it.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import torch
from einops import repeat
from pydantic import Field, NonNegativeInt, PositiveInt, model_validator
from torch import Tensor, nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl, masked_mean
from mmx.blocks import SelfAttentionLayer, StandIn, fused_vector, real_pooled, same_width


class BottleneckParams(PairFusionParams):
    """Two streams that exchange through bottleneck tokens."""

    type: Literal["bottleneck"] = "bottleneck"
    source: ClassVar[str] = "Nagrani et al. 2021, Attention Bottlenecks, arXiv:2107.00135"
    equal_widths: ClassVar[bool] = True

    layers: PositiveInt = Field(default=2, description="transformer layers per modality")
    start: NonNegativeInt = Field(
        default=0, description="first layer with bottlenecks, from 0; < layers"
    )
    bottlenecks: NonNegativeInt = Field(
        default=4, description="shared tokens; 0: two separate encoders"
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

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "Bottleneck":
        return Bottleneck(
            same_width("bottleneck", image, text),
            self.dim,
            layers=self.layers,
            start=self.start,
            bottlenecks=self.bottlenecks,
            heads=self.heads,
            ffn=self.ffn,
            dropout=self.dropout,
        )


class Bottleneck(PairFusion):
    """[B, N, D] and [B, M, D] -> [B, dim]: f = Linear([mean x_i; mean x_t]).

    From layer ``start`` each stream attends to itself and b; then b becomes the mean over present
    modalities of what each made of it. A learned vector stands for the stream of a missing side.
    """

    def __init__(
        self,
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
        self.dim, self.start = dim, start
        self.bottlenecks = nn.Parameter(torch.randn(bottlenecks, width) * 0.02)
        self.no_image, self.no_text = StandIn(width), StandIn(width)
        self.image_layers, self.text_layers = (
            nn.ModuleList(
                SelfAttentionLayer(width, heads, expansion=ffn, dropout=dropout)
                for _ in range(layers)
            )
            for _ in range(2)
        )
        self.out = nn.Linear(2 * width, dim)

    def forward(self, image: Features, text: Features) -> Features:
        a, image_mask = self.no_image.tokens(image)
        t, text_mask = self.no_text.tokens(text)
        b: Tensor = repeat(self.bottlenecks, "k d -> b k d", b=len(a))
        present = torch.stack([image.present, text.present], dim=1)
        for number, (of_image, of_text) in enumerate(
            zip(self.image_layers, self.text_layers, strict=True)
        ):
            if number < self.start:
                a, t = of_image(a, image_mask), of_text(t, text_mask)
                continue
            a, from_image = _with_bottlenecks(of_image, a, image_mask, b)
            t, from_text = _with_bottlenecks(of_text, t, text_mask, b)
            b = _mean_of_present(from_image, from_text, present)
        x_i = self.no_image.instead_of(masked_mean(a, image_mask), image.present)
        x_t = self.no_text.instead_of(masked_mean(t, text_mask), text.present)
        fused = self.out(torch.cat([x_i, x_t], dim=-1))
        parts = {"first": real_pooled(image), "second": real_pooled(text)}
        return fused_vector(fused, image, text, parts=parts)


def _with_bottlenecks(
    layer: nn.Module, x: Tensor, mask: Tensor, b: Tensor
) -> tuple[Tensor, Tensor]:
    """One layer over [x; b]: the updated x [B, N, D] and b [B, K, D]."""
    everything = torch.cat([x, b], dim=1)
    seen = torch.cat([mask, mask.new_ones(b.shape[:2])], dim=1)
    updated: Tensor = layer(everything, seen)
    return updated[:, : x.shape[1]], updated[:, x.shape[1] :]


def _mean_of_present(from_image: Tensor, from_text: Tensor, present: Tensor) -> Tensor:
    """Mean [B, K, D] over the modalities that are there; over both where neither is."""
    weights = (present | ~present.any(dim=1, keepdim=True)).to(from_image.dtype)
    weights = (weights / weights.sum(dim=1, keepdim=True))[..., None, None]
    return weights[:, 0] * from_image + weights[:, 1] * from_text


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [BottleneckParams]
