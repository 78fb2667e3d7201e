"""MetaBlock and MetaNet: the second modality gates the channels of the tokens of the first.

In the source a clinical record gates an image.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import LearnedPlaceholder, Norm, either_present, real_pooled, vector_norm

Variant = Literal["metablock", "metanet"]


class MetablockParams(PairFusionParams):
    """Gates the channels of the first modality by the second ones; as wide as the first."""

    type: Literal["metablock"] = "metablock"
    source: ClassVar[str] = "Pacheco and Krohling 2021, MetaBlock, doi:10.1109/JBHI.2021.3062002"

    variant: Variant = Field(
        default="metablock",
        description="metablock: gates and bounds the result; metanet: gates only",
    )
    norm: Norm = Field(
        default="layer",
        description="of what the second modality generates in metablock; the reference has batch",
    )

    def build_pair(self, first: FeatureShape, second: FeatureShape) -> "MetaBlock | MetaNet":
        if self.variant == "metanet":
            return MetaNet(first.dim, second.dim)
        return MetaBlock(first.dim, second.dim, norm=self.norm)


class MetaBlock(PairFusion):
    """V' = sigmoid(tanh(V f(u)) + g(u)), f = mean V': [B, N, D] -> [B, N, D], in (0, 1).

    V are the tokens of the first, u is the pooled second, f and g are Linear and norm. Without a
    second f = 1 and g = 0, so that the first alone still speaks; a missing first is one learned
    token.
    """

    def __init__(self, first_dim: int, second_dim: int, *, norm: Norm = "layer") -> None:
        super().__init__()
        self.dim = first_dim
        self.no_first = LearnedPlaceholder(first_dim)
        self.scale = nn.Sequential(nn.Linear(second_dim, first_dim), vector_norm(norm, first_dim))
        self.shift = nn.Sequential(nn.Linear(second_dim, first_dim), vector_norm(norm, first_dim))

    def forward(self, first: Features, second: Features) -> Features:
        v, mask = self.no_first.tokens(first)
        u, absent = real_pooled(second), ~second.present[:, None]
        scale = self.scale(u).masked_fill(absent, 1)[:, None]
        shift = self.shift(u).masked_fill(absent, 0)[:, None]
        gated = ((v * scale).tanh() + shift).sigmoid()
        return _result(gated, mask, first, second, {"scale": scale[:, 0], "shift": shift[:, 0]})


class MetaNet(PairFusion):
    """V' = V sigmoid(W_2 ReLU(W_1 u)), f = mean V': [B, N, D] -> [B, N, D].

    W_2 starts at 0, so that every gate starts at 0.5. Without a second the gate is 1; a missing
    first is one learned token.
    """

    def __init__(self, first_dim: int, second_dim: int) -> None:
        super().__init__()
        self.dim = first_dim
        self.no_first = LearnedPlaceholder(first_dim)
        last = nn.Linear(first_dim, first_dim)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.gate = nn.Sequential(nn.Linear(second_dim, first_dim), nn.ReLU(), last)

    def forward(self, first: Features, second: Features) -> Features:
        v, mask = self.no_first.tokens(first)
        gate: Tensor = self.gate(real_pooled(second)).sigmoid()
        gate = gate.masked_fill(~second.present[:, None], 1)
        return _result(v * gate[:, None], mask, first, second, {"gate": gate})


def _result(
    tokens: Tensor, mask: Tensor, first: Features, second: Features, gates: dict[str, Tensor]
) -> Features:
    return Features(
        tokens,
        mask,
        present=either_present(first, second),
        parts={"first": real_pooled(first), "second": real_pooled(second)},
        explain={f"{name}_by_second": gate.detach() for name, gate in gates.items()},
    )


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MetablockParams]
