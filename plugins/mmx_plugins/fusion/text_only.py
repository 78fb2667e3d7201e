"""The text alone: the control that shows how much the text tells by itself."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import StandIn, either_present


class TextOnlyParams(FusionParams):
    """Reads the text and ignores the image; as wide as the text features."""

    type: Literal["text_only"] = "text_only"
    source: ClassVar[str] = "control; no paper"
    sides: ClassVar[tuple[str, ...]] = ("text",)

    tokens: bool = Field(
        default=False,
        description="true: hand on the text tokens as well, for heads that pool tokens",
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled", "tokens"} if self.tokens else {"pooled"})

    def build(self, image: FeatureShape, text: FeatureShape) -> "TextOnly":
        return TextOnly(text.dim, self.tokens)


class TextOnly(Fusion):
    """f = t: [B, D] -> the same; a learned vector for samples without a text.

    With ``tokens`` the result also has the tokens [B, M, D].
    """

    def __init__(self, dim: int, tokens: bool = False) -> None:
        super().__init__()
        self.dim, self.tokens = dim, tokens
        self.missing = StandIn(dim)

    def forward(self, image: Features, text: Features) -> Features:
        fused = self.missing.pooled(text)
        nothing = fused.new_zeros(fused.shape)
        tokens, mask = fused[:, None], fused.new_ones(len(fused), 1).bool()
        if self.tokens:
            tokens, mask = self.missing.tokens(text)
        there = either_present(image, text)
        return Features(tokens, mask, fused, present=there, parts={"image": nothing, "text": fused})


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [TextOnlyParams]
