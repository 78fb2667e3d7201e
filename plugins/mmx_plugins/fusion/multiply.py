"""Element-wise product: what both modalities agree on is kept, noise of one alone is damped."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import fused_vector, real_pooled, same_width

Form = Literal["neutral", "plain"]


class MultiplyParams(PairFusionParams):
    """Multiplies the pooled vectors; as wide as each of them."""

    type: Literal["multiply"] = "multiply"
    source: ClassVar[str] = "core of Kim et al. 2017, MLB, arXiv:1610.04325"
    equal_widths: ClassVar[bool] = True

    form: Form = Field(
        default="neutral",
        description="neutral: (1+a)(1+t)-1, in which 0 has no effect; plain: a t, in which 0 "
        "vetoes and keeps the gradient from the other side",
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "Multiply":
        return Multiply(same_width("multiply", image, text), self.form)


class Multiply(PairFusion):
    """f = (1 + a)(1 + t) - 1, or a t: [B, D] and [B, D] -> [B, D]; a missing side has no effect."""

    def __init__(self, dim: int, form: Form = "neutral") -> None:
        super().__init__()
        self.dim, self.form = dim, form

    def forward(self, image: Features, text: Features) -> Features:
        a, t = real_pooled(image), real_pooled(text)
        if self.form == "neutral":
            fused = a + t + a * t  # (1 + a)(1 + t) - 1 without the rounding of 1
        else:
            one = torch.ones((), dtype=a.dtype, device=a.device)
            fused = torch.where(image.present[:, None], a, one) * torch.where(
                text.present[:, None], t, one
            )
        return fused_vector(fused, image, text, parts={"first": a, "second": t})

    def extra_repr(self) -> str:
        return f"dim={self.dim}, form={self.form}"


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MultiplyParams]
