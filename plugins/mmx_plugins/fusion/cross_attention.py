"""Cross-attention: each token of one modality looks up what the others say about it.

With a single token to read, the attention is 1 and the result an affine addition: give it tokens,
or claim nothing about alignment.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal, cast

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator
from torch import Tensor, nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import AttentionLayer, LearnedPlaceholder, either_present, real_pooled

Direction = Literal["image_from_text", "text_from_image"]
READER: Mapping[object, str] = {"image_from_text": "image", "text_from_image": "text"}


class CrossAttentionParams(PairFusionParams):
    """The first modality reads the second ones; as wide as the one that reads."""

    type: Literal["cross_attention"] = "cross_attention"
    source: ClassVar[str] = (
        "Lu et al. 2019, ViLBERT, arXiv:1908.02265; Tsai et al. 2019, MulT, arXiv:1906.00295"
    )

    direction: Direction | None = Field(
        default=None,
        description="short for first: image, or text, in a model of both: who reads whom",
    )
    layers: PositiveInt = Field(default=1, description="number of layers")
    heads: PositiveInt = Field(
        default=4, description="attention heads; divides the width of the reader"
    )
    ffn: NonNegativeInt = Field(
        default=2, description="hidden over outer width; 0: no feed-forward"
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="probability on each branch")

    @model_validator(mode="before")
    @classmethod
    def _written_out(cls, given: object) -> object:
        """``direction`` names the modality that reads, which ``first`` then holds."""
        if not isinstance(given, Mapping) or given.get("direction") not in READER:
            return given
        reader = READER[given["direction"]]
        if given.get("first") not in (None, reader):
            raise ValueError(f"this direction means first: {reader}; leave one of them out")
        return {**given, "first": reader}

    def build_pair(self, first: FeatureShape, second: FeatureShape) -> "CrossAttention":
        return CrossAttention(
            first.dim,
            second.dim,
            layers=self.layers,
            heads=self.heads,
            ffn=self.ffn,
            dropout=self.dropout,
        )


class CrossAttention(PairFusion):
    """Y = A + MHA(LN A, LN T, LN T); Y = Y + FFN(LN Y); f = mean Y: [B, N, D] -> [B, N, D].

    A is the first modality, which reads, T the second, which is read. A missing T is one learned
    token, seen only by the samples that lack it; a missing A is one learned query.
    """

    def __init__(
        self,
        dim: int,
        context_dim: int,
        *,
        layers: int = 1,
        heads: int = 4,
        ffn: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.no_reader = LearnedPlaceholder(dim)
        self.no_context = LearnedPlaceholder(context_dim)
        self.layers = nn.ModuleList(
            AttentionLayer(dim, context_dim, heads, expansion=ffn, dropout=dropout)
            for _ in range(layers)
        )

    def forward(self, first: Features, second: Features) -> Features:
        y, mask = self.no_reader.tokens(first)
        context, context_mask = self.no_context.tokens(second)
        explain: dict[str, Tensor] = {}
        for number, layer in enumerate(cast("Iterable[AttentionLayer]", self.layers)):
            if not self.training:
                explain[f"first_reads_second_{number}"] = layer.weights(y, context, context_mask)
            y = layer(y, context, context_mask)
        return Features(
            y,
            mask,
            present=either_present(first, second),
            parts={"first": real_pooled(first), "second": real_pooled(second)},
            explain=explain,
        )


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [CrossAttentionParams]
