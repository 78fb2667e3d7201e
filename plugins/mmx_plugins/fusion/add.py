"""Addition: what both modalities say counts twice.

Concatenation and addition are both linear before the head and differ only in rank and tying: a gap
between them is regularisation, not meaning.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field
from torch import nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import fused_vector, real_pooled, same_width

Activation = Literal["none", "relu", "gelu"]


class AddParams(PairFusionParams):
    """Adds the pooled vectors; as wide as each of them."""

    type: Literal["add"] = "add"
    source: ClassVar[str] = "common practice, as in Peng et al. 2022, OGM-GE, arXiv:2203.15332"
    equal_widths: ClassVar[bool] = True

    activation: Activation = Field(default="none", description="function of the sum")

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "Add":
        return Add(same_width("add", image, text), self.activation)


class Add(PairFusion):
    """f = s(a + t): [B, D] and [B, D] -> [B, D]; a missing side adds 0."""

    def __init__(self, dim: int, activation: Activation = "none") -> None:
        super().__init__()
        self.dim = dim
        functions = {"none": nn.Identity(), "relu": nn.ReLU(), "gelu": nn.GELU()}
        self.activation = functions[activation]

    def forward(self, image: Features, text: Features) -> Features:
        a, t = real_pooled(image), real_pooled(text)
        fused = self.activation(a + t)
        return fused_vector(fused, image, text, parts={"first": a, "second": t})


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [AddParams]
