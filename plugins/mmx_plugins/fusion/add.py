"""Addition: what several modalities say counts as often.

Concatenation and addition are both linear before the head and differ only in rank and tying: a gap
between them is regularisation, not meaning.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import fused_vector, real_pooled, same_width

Activation = Literal["none", "relu", "gelu"]


class AddParams(FusionParams):
    """Adds the pooled vectors; as wide as each of them."""

    type: Literal["add"] = "add"
    source: ClassVar[str] = "common practice, as in Peng et al. 2022, OGM-GE, arXiv:2203.15332"
    takes: ClassVar[tuple[int, int | None]] = (1, None)
    equal_widths: ClassVar[bool] = True

    activation: Activation = Field(default="none", description="function of the sum")

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Add":
        return Add(same_width("add", *shapes.values()), self.activation)


class Add(Fusion):
    """f = s(sum_m x_m): [B, D] each -> [B, D]; a missing modality adds 0."""

    def __init__(self, dim: int, activation: Activation = "none") -> None:
        super().__init__()
        self.dim = dim
        functions = {"none": nn.Identity(), "relu": nn.ReLU(), "gelu": nn.GELU()}
        self.activation = functions[activation]

    def forward(self, features: Mapping[str, Features]) -> Features:
        x = {name: real_pooled(one) for name, one in features.items()}
        fused = self.activation(torch.stack([*x.values()]).sum(dim=0))
        return fused_vector(fused, *features.values(), parts=x)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [AddParams]
