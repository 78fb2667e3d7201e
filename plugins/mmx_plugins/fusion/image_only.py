"""The image alone: the control that shows what the text adds."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import StandIn, either_present


class ImageOnlyParams(FusionParams):
    """Reads the image and ignores the text; as wide as the image features."""

    type: Literal["image_only"] = "image_only"
    source: ClassVar[str] = "control; no paper"
    sides: ClassVar[tuple[str, ...]] = ("image",)

    tokens: bool = Field(
        default=False,
        description="true: hand on the image tokens as well, for heads that pool tokens",
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled", "tokens"} if self.tokens else {"pooled"})

    def build(self, image: FeatureShape, text: FeatureShape) -> "ImageOnly":
        return ImageOnly(image.dim, self.tokens)


class ImageOnly(Fusion):
    """f = a: [B, D] -> the same; a learned vector for samples without an image.

    With ``tokens`` the result also has the tokens [B, N, D].
    """

    def __init__(self, dim: int, tokens: bool = False) -> None:
        super().__init__()
        self.dim, self.tokens = dim, tokens
        self.missing = StandIn(dim)

    def forward(self, image: Features, text: Features) -> Features:
        fused = self.missing.pooled(image)
        nothing = fused.new_zeros(fused.shape)
        tokens, mask = fused[:, None], fused.new_ones(len(fused), 1).bool()
        if self.tokens:
            tokens, mask = self.missing.tokens(image)
        there = either_present(image, text)
        return Features(tokens, mask, fused, present=there, parts={"image": fused, "text": nothing})


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [ImageOnlyParams]
