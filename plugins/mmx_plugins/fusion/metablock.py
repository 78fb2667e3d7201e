"""MetaBlock and MetaNet: the text gates the channels of the image tokens."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import Norm, StandIn, either_present, real_pooled, vector_norm

Variant = Literal["metablock", "metanet"]


class MetablockParams(PairFusionParams):
    """Gates image channels by short clinical text; as wide as the image features."""

    type: Literal["metablock"] = "metablock"
    source: ClassVar[str] = "Pacheco and Krohling 2021, MetaBlock, doi:10.1109/JBHI.2021.3062002"

    variant: Variant = Field(
        default="metablock",
        description="metablock: gates and bounds the result; metanet: gates only",
    )
    norm: Norm = Field(
        default="layer",
        description="of what the text generates in metablock; the reference has batch",
    )

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "MetaBlock | MetaNet":
        if self.variant == "metanet":
            return MetaNet(image.dim, text.dim)
        return MetaBlock(image.dim, text.dim, norm=self.norm)


class MetaBlock(PairFusion):
    """V' = sigmoid(tanh(V f(u)) + g(u)), f = mean V': [B, N, D] -> [B, N, D], in (0, 1).

    u is the pooled text, f and g are Linear and norm. Without a text f = 1 and g = 0, so that the
    image alone still speaks; a missing image is one learned token.
    """

    def __init__(self, image_dim: int, text_dim: int, *, norm: Norm = "layer") -> None:
        super().__init__()
        self.dim = image_dim
        self.no_image = StandIn(image_dim)
        self.scale = nn.Sequential(nn.Linear(text_dim, image_dim), vector_norm(norm, image_dim))
        self.shift = nn.Sequential(nn.Linear(text_dim, image_dim), vector_norm(norm, image_dim))

    def forward(self, image: Features, text: Features) -> Features:
        v, mask = self.no_image.tokens(image)
        u, absent = real_pooled(text), ~text.present[:, None]
        scale = self.scale(u).masked_fill(absent, 1)[:, None]
        shift = self.shift(u).masked_fill(absent, 0)[:, None]
        gated = ((v * scale).tanh() + shift).sigmoid()
        return _result(gated, mask, image, text, {"scale": scale[:, 0], "shift": shift[:, 0]})


class MetaNet(PairFusion):
    """V' = V sigmoid(W_2 ReLU(W_1 u)), f = mean V': [B, N, D] -> [B, N, D].

    W_2 starts at 0, so that every gate starts at 0.5. Without a text the gate is 1; a missing image
    is one learned token.
    """

    def __init__(self, image_dim: int, text_dim: int) -> None:
        super().__init__()
        self.dim = image_dim
        self.no_image = StandIn(image_dim)
        last = nn.Linear(image_dim, image_dim)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.gate = nn.Sequential(nn.Linear(text_dim, image_dim), nn.ReLU(), last)

    def forward(self, image: Features, text: Features) -> Features:
        v, mask = self.no_image.tokens(image)
        gate: Tensor = self.gate(real_pooled(text)).sigmoid()
        gate = gate.masked_fill(~text.present[:, None], 1)
        return _result(v * gate[:, None], mask, image, text, {"gate": gate})


def _result(
    tokens: Tensor, mask: Tensor, image: Features, text: Features, gates: dict[str, Tensor]
) -> Features:
    return Features(
        tokens,
        mask,
        present=either_present(image, text),
        parts={"first": real_pooled(image), "second": real_pooled(text)},
        explain={name: gate.detach() for name, gate in gates.items()},
    )


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MetablockParams]
