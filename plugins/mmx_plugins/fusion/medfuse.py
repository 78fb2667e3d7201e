"""MedFuse: an LSTM reads the modalities that are there, one after the other.

The order of the modalities in the spec matters: report another one beside it.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import fused_vector, real_pooled, same_width


class MedfuseParams(FusionParams):
    """A recurrent network over modalities."""

    type: Literal["medfuse"] = "medfuse"
    source: ClassVar[str] = "Hayat et al. 2022, MedFuse, arXiv:2207.07027"
    takes: ClassVar[tuple[int, int | None]] = (1, None)
    equal_widths: ClassVar[bool] = True

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Medfuse":
        return Medfuse(same_width("medfuse", *shapes.values()), self.dim)


class Medfuse(Fusion):
    """(h, c) = LSTM(x_m, (h, c)) for each present m in the order of the spec; f = h: -> [B, dim].

    A missing modality is no step at all. A sample without any is 0.
    """

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.dim, self.cell = dim, nn.LSTMCell(width, dim)

    def forward(self, features: Mapping[str, Features]) -> Features:
        x = {name: real_pooled(one) for name, one in features.items()}
        first = next(iter(x.values()))
        h: Tensor = first.new_zeros(len(first), self.dim)
        c = h
        for name, vector in x.items():
            here = features[name].present[:, None]
            new_h, new_c = self.cell(vector, (h, c))
            h, c = torch.where(here, new_h, h), torch.where(here, new_c, c)
        return fused_vector(h, *features.values(), parts=x)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MedfuseParams]
