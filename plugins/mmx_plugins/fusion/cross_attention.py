"""Cross-attention: each token of one modality looks up what the other says about it.

With a single token to read, the attention is 1 and the result an affine addition: give it tokens,
or claim nothing about alignment.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal, cast

from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import AttentionLayer, StandIn, either_present, real_pooled

Direction = Literal["image_from_text", "text_from_image"]


class CrossAttentionParams(PairFusionParams):
    """One modality reads the other; as wide as the one that reads."""

    type: Literal["cross_attention"] = "cross_attention"
    source: ClassVar[str] = (
        "Lu et al. 2019, ViLBERT, arXiv:1908.02265; Tsai et al. 2019, MulT, arXiv:1906.00295"
    )

    direction: Direction = Field(
        default="image_from_text",
        description="who reads whom; the first one gives the result's tokens",
    )
    layers: PositiveInt = Field(default=1, description="number of layers")
    heads: PositiveInt = Field(
        default=4, description="attention heads; divides the width of the reader"
    )
    ffn: NonNegativeInt = Field(
        default=2, description="hidden over outer width; 0: no feed-forward"
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="probability on each branch")

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "CrossAttention":
        reader, context = image.dim, text.dim
        if self.direction == "text_from_image":
            reader, context = context, reader
        return CrossAttention(
            reader,
            context,
            direction=self.direction,
            layers=self.layers,
            heads=self.heads,
            ffn=self.ffn,
            dropout=self.dropout,
        )


class CrossAttention(PairFusion):
    """Y = A + MHA(LN A, LN T, LN T); Y = Y + FFN(LN Y); f = mean Y: [B, N, D] -> [B, N, D].

    A is the side that reads, T the side that is read. A missing T is one learned token, seen only
    by the samples that lack it; a missing A is one learned query.
    """

    def __init__(
        self,
        dim: int,
        context_dim: int,
        *,
        direction: Direction = "image_from_text",
        layers: int = 1,
        heads: int = 4,
        ffn: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.dim, self.direction = dim, direction
        self.no_reader, self.no_context = StandIn(dim), StandIn(context_dim)
        self.layers = nn.ModuleList(
            AttentionLayer(dim, context_dim, heads, expansion=ffn, dropout=dropout)
            for _ in range(layers)
        )

    def forward(self, image: Features, text: Features) -> Features:
        sides = (image, text) if self.direction == "image_from_text" else (text, image)
        y, mask = self.no_reader.tokens(sides[0])
        context, context_mask = self.no_context.tokens(sides[1])
        explain: dict[str, Tensor] = {}
        for number, layer in enumerate(cast("Iterable[AttentionLayer]", self.layers)):
            if not self.training:
                explain[f"attention_{number}"] = layer.weights(y, context, context_mask)
            y = layer(y, context, context_mask)
        return Features(
            y,
            mask,
            present=either_present(image, text),
            parts={"first": real_pooled(image), "second": real_pooled(text)},
            explain=explain,
        )


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [CrossAttentionParams]
