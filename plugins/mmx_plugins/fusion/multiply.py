"""Element-wise product: what all modalities agree on is kept, noise of one alone is damped."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import mul
from typing import ClassVar, Literal

import torch
from pydantic import Field

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import fused_vector, real_pooled, same_width

Form = Literal["neutral", "plain"]


class MultiplyParams(FusionParams):
    """Multiplies the pooled vectors; as wide as each of them."""

    type: Literal["multiply"] = "multiply"
    source: ClassVar[str] = "core of Kim et al. 2017, MLB, arXiv:1610.04325"
    takes: ClassVar[tuple[int, int | None]] = (1, None)
    equal_widths: ClassVar[bool] = True

    form: Form = Field(
        default="neutral",
        description="neutral: prod(1 + x_m) - 1, in which 0 has no effect; plain: prod x_m, in "
        "which 0 vetoes and keeps the gradient from the others",
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Multiply":
        return Multiply(same_width("multiply", *shapes.values()), self.form)


class Multiply(Fusion):
    """f = prod_m (1 + x_m) - 1, or prod_m x_m: [B, D] each -> [B, D].

    A missing modality has no effect.
    """

    def __init__(self, dim: int, form: Form = "neutral") -> None:
        super().__init__()
        self.dim, self.form = dim, form

    def forward(self, features: Mapping[str, Features]) -> Features:
        x = {name: real_pooled(one) for name, one in features.items()}
        if self.form == "neutral":
            # (1 + a)(1 + b) - 1 without the rounding of 1
            fused = reduce(lambda a, b: a + b + a * b, x.values())
        else:
            one = next(iter(x.values())).new_ones(())
            here = {name: features[name].present[:, None] for name in x}
            fused = reduce(mul, (torch.where(here[name], x[name], one) for name in x))
        return fused_vector(fused, *features.values(), parts=x)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, form={self.form}"


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MultiplyParams]
