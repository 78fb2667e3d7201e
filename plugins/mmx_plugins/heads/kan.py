"""Kolmogorov-Arnold network on radial basis functions: learned functions on every edge.

Source: Liu et al. 2024, KAN, arXiv:2404.19756; Gaussian form after Li 2024, Kolmogorov-Arnold
Networks are Radial Basis Function Networks, arXiv:2405.06721.
"""

import itertools
from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.nn import functional as F

from mmx import hookimpl
from mmx.interfaces import Features, Head, HeadOutput, HeadParams, Params


class KanParams(HeadParams):
    """Settings of the radial KAN."""

    source: ClassVar[str] = "Li 2024, arXiv:2405.06721"

    type: Literal["kan"] = "kan"
    hidden: PositiveInt = Field(default=64, description="width of the hidden layer, channels")
    centres: int = Field(default=8, ge=2, description="Gaussians per input")
    extent: PositiveFloat = Field(
        default=2.0,
        description="centres are spread evenly over [-extent, extent], normalised input",
    )

    def build(self, dim: int, classes: int) -> "Kan":
        widths = (dim, self.hidden, classes)
        return Kan(widths, self.centres, self.extent)


class Kan(Head):
    """[B, D] -> [B, C] through radial layers of these widths."""

    def __init__(self, widths: Sequence[int], centres: int, extent: float) -> None:
        super().__init__()
        pairs = itertools.pairwise(widths)
        self.layers = nn.Sequential(*(RadialLayer(a, b, centres, extent) for a, b in pairs))

    def forward(self, features: Features) -> HeadOutput:
        return HeadOutput(self.layers(features.pooled))


class RadialLayer(nn.Module):
    """y_o = sum_i sum_g c_oig exp(-((u_i - u_g) / h)^2) + Linear(SiLU(x))_o, with u = LN(x)."""

    def __init__(self, inputs: int, outputs: int, centres: int, extent: float) -> None:
        super().__init__()
        self.centres, self.extent = centres, extent
        self.norm = nn.LayerNorm(inputs)
        self.coefficients = nn.Parameter(torch.empty(outputs, inputs * centres))
        self.base = nn.Linear(inputs, outputs)
        nn.init.trunc_normal_(self.coefficients, std=0.1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs] -> [B, outputs]."""
        u = self.norm(x)
        centre = torch.linspace(
            -self.extent, self.extent, self.centres, device=u.device, dtype=u.dtype
        )
        width = 2 * self.extent / (self.centres - 1)
        basis = (-(((u[..., None] - centre) / width) ** 2)).exp()
        result: Tensor = F.linear(basis.flatten(1), self.coefficients) + self.base(F.silu(x))
        return result

    def extra_repr(self) -> str:
        """How many centres, and how far they reach."""
        return f"centres={self.centres}, extent={self.extent}"


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [KanParams]
