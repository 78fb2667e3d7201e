"""Multimodal transfer module (MMTM): all modalities together gate the channels of each.

In the paper it stands between stages of convolutional encoders; here it stands after the encoders.
Several public versions leave out the factor 2, so that features start halved.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveFloat
from torch import nn

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import LearnedPlaceholder, PerModality, fused_vector, real_pooled, real_tokens
from mmx.interfaces import masked_mean


class MmtmParams(FusionParams):
    """Gates the channels of each modality by a squeeze of all."""

    type: Literal["mmtm"] = "mmtm"
    source: ClassVar[str] = "Joze et al. 2020, MMTM, arXiv:1911.08670"
    takes: ClassVar[tuple[int, int | None]] = (1, None)

    ratio: PositiveFloat = Field(
        default=4, description="the squeeze is 2 / ratio as wide as all modalities together"
    )

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Mmtm":
        return Mmtm({name: shape.dim for name, shape in shapes.items()}, self.dim, self.ratio)


class Mmtm(Fusion):
    """q = ReLU(W [mean X_m]_m), Y_m = 2 sigmoid(V_m q) X_m, f = Linear([mean Y_m]_m): -> [B, dim].

    V starts at 0, so that Y starts as X. A missing modality is 0 in q, and a learned vector stands
    for its mean.
    """

    def __init__(self, dims: Mapping[str, int], dim: int, ratio: float = 4) -> None:
        super().__init__()
        self.dim, total = dim, sum(dims.values())
        hidden = max(1, int(2 * total / ratio))
        self.squeeze = nn.Linear(total, hidden)
        self.excite = PerModality({name: _closed(hidden, width) for name, width in dims.items()})
        self.missing = PerModality(
            {name: LearnedPlaceholder(width) for name, width in dims.items()}
        )
        self.out = nn.Linear(total, dim)

    def forward(self, features: Mapping[str, Features]) -> Features:
        means = {name: masked_mean(*real_tokens(one)) for name, one in features.items()}
        q = self.squeeze(torch.cat([*means.values()], dim=-1)).relu()
        gates = {name: 2 * self.excite[name](q).sigmoid() for name in features}
        # a gate is one number per channel, so that the mean of Y_m is the gated mean of X_m
        y = [
            self.missing[name].instead_of(gates[name] * mean, features[name].present)
            for name, mean in means.items()
        ]
        return fused_vector(
            self.out(torch.cat(y, dim=-1)),
            *features.values(),
            parts={name: real_pooled(one) for name, one in features.items()},
            explain={f"gate_{name}": gate for name, gate in gates.items()},
        )


def _closed(width: int, dim: int) -> nn.Linear:
    """A Linear that starts at 0."""
    layer = nn.Linear(width, dim)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MmtmParams]
