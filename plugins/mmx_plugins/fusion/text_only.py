"""The text alone: the control that shows how much the text tells by itself."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import StandIn


class TextOnlyParams(FusionParams):
    """Reads the text and ignores the image; as wide as the text features."""

    type: Literal["text_only"] = "text_only"
    source: ClassVar[str] = "control; no paper"
    takes: ClassVar[tuple[int, int | None]] = (1, None)

    tokens: bool = Field(
        default=False,
        description="true: hand on the text tokens as well, for heads that pool tokens",
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled", "tokens"} if self.tokens else {"pooled"})

    def used(self, names: Sequence[str]) -> tuple[str, ...]:
        return ("text",)

    def build(self, shapes: Mapping[str, FeatureShape]) -> "TextOnly":
        return TextOnly(shapes["text"].dim, self.tokens)


class TextOnly(Fusion):
    """f = t: [B, D] -> the same; a learned vector for samples without a text.

    With ``tokens`` the result also has the tokens [B, M, D].
    """

    def __init__(self, dim: int, tokens: bool = False) -> None:
        super().__init__()
        self.dim, self.tokens = dim, tokens
        self.missing = StandIn(dim)

    def forward(self, features: Mapping[str, Features]) -> Features:
        fused = self.missing.pooled(features["text"])
        nothing = fused.new_zeros(fused.shape)
        tokens, mask = fused[:, None], fused.new_ones(len(fused), 1).bool()
        if self.tokens:
            tokens, mask = self.missing.tokens(features["text"])
        there = torch.stack([one.present for one in features.values()]).any(dim=0)
        parts = {name: fused if name == "text" else nothing for name in features}
        return Features(tokens, mask, fused, present=there, parts=parts)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [TextOnlyParams]
