"""Concatenation of both modalities: the baseline that every fusion is compared with."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import StandIn, either_present, fused_vector, same_width


class ConcatParams(PairFusionParams):
    """Concatenates channels, or tokens; as wide as both sides together, or as one of them."""

    type: Literal["concat"] = "concat"
    source: ClassVar[str] = "common practice; no paper"

    tokens: bool = Field(
        default=False,
        description="true: one sequence of image and text tokens instead of one vector, for heads "
        "that pool tokens; both sides must then have the same width",
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled", "tokens"} if self.tokens else {"pooled"})

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "Concat | ConcatTokens":
        if self.tokens:
            return ConcatTokens(same_width("concat with tokens: true", image, text))
        return Concat(image.dim, text.dim)


class Concat(PairFusion):
    """f = [a ; t]: [B, D_image] and [B, D_text] -> [B, D_image + D_text]."""

    def __init__(self, image_dim: int, text_dim: int) -> None:
        super().__init__()
        self.dim = image_dim + text_dim
        self.no_image, self.no_text = StandIn(image_dim), StandIn(text_dim)

    def forward(self, image: Features, text: Features) -> Features:
        a, t = self.no_image.pooled(image), self.no_text.pooled(text)
        fused = torch.cat([a, t], dim=-1)
        return fused_vector(fused, image, text, parts={"first": a, "second": t})


class ConcatTokens(PairFusion):
    """[A ; T] along tokens: [B, N, D] and [B, M, D] -> [B, N + M, D]; pooled is their mean."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.no_image, self.no_text = StandIn(dim), StandIn(dim)

    def forward(self, image: Features, text: Features) -> Features:
        a, image_mask = self.no_image.tokens(image)
        t, text_mask = self.no_text.tokens(text)
        return Features(
            torch.cat([a, t], dim=1),
            torch.cat([image_mask, text_mask], dim=1),
            present=either_present(image, text),
            parts={"first": self.no_image.pooled(image), "second": self.no_text.pooled(text)},
        )


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [ConcatParams]
