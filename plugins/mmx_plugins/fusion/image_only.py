"""The image alone: the control that shows what the text adds."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import StandIn


class ImageOnlyParams(FusionParams):
    """Reads the image and ignores the text; as wide as the image features."""

    type: Literal["image_only"] = "image_only"
    source: ClassVar[str] = "control; no paper"
    takes: ClassVar[tuple[int, int | None]] = (1, None)

    tokens: bool = Field(
        default=False,
        description="true: hand on the image tokens as well, for heads that pool tokens",
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled", "tokens"} if self.tokens else {"pooled"})

    def used(self, names: Sequence[str]) -> tuple[str, ...]:
        return ("image",)

    def build(self, shapes: Mapping[str, FeatureShape]) -> "ImageOnly":
        return ImageOnly(shapes["image"].dim, self.tokens)


class ImageOnly(Fusion):
    """f = a: [B, D] -> the same; a learned vector for samples without an image.

    With ``tokens`` the result also has the tokens [B, N, D].
    """

    def __init__(self, dim: int, tokens: bool = False) -> None:
        super().__init__()
        self.dim, self.tokens = dim, tokens
        self.missing = StandIn(dim)

    def forward(self, features: Mapping[str, Features]) -> Features:
        fused = self.missing.pooled(features["image"])
        nothing = fused.new_zeros(fused.shape)
        tokens, mask = fused[:, None], fused.new_ones(len(fused), 1).bool()
        if self.tokens:
            tokens, mask = self.missing.tokens(features["image"])
        there = torch.stack([one.present for one in features.values()]).any(dim=0)
        parts = {name: fused if name == "image" else nothing for name in features}
        return Features(tokens, mask, fused, present=there, parts=parts)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [ImageOnlyParams]
