"""Tensor fusion network (TFN): the whole outer product of all modalities, read by one layer.

Its readout has ``dim`` numbers for each of the ``(inner + 1) ** M`` entries of the tensor;
``low_rank`` is the same fusion with that readout factorised. Figures of early papers stand on
another split of their data (TensorFusionNetworks, issue 8).
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import ClassVar, Literal

import torch
from einops import einsum
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import PerModality, fused_vector, real_pooled
from mmx.errors import ShapeError

MOST = 100_000  # entries of the tensor of one sample


class TfnParams(FusionParams):
    """Reads the outer product of all modalities, each with a constant 1 in front."""

    type: Literal["tfn"] = "tfn"
    source: ClassVar[str] = "Zadeh et al. 2017, Tensor Fusion Network, arXiv:1707.07250"

    inner: PositiveInt = Field(
        default=16, description="width that each modality is projected to before the product"
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="probability on the product")

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def check_modalities(self, names: Sequence[str]) -> None:
        count, entries = len(names), (self.inner + 1) ** len(names)
        if entries > MOST:
            fitting = max(n for n in range(1, self.inner) if (n + 1) ** count <= MOST)
            raise ShapeError(
                f"fusion.tfn with inner: {self.inner} makes a product of {entries:,} numbers of "
                f"{count} modalities, more than {MOST:,}; set inner to {fitting} or less, or use "
                "fusion: low_rank, the same product in few factors"
            )

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Tfn":
        self.check_modalities(tuple(shapes))
        dims = {name: shape.dim for name, shape in shapes.items()}
        return Tfn(dims, self.dim, inner=self.inner, dropout=self.dropout)


class Tfn(Fusion):
    """z = outer product over m of [1; U_m x_m], f = W z + b: [B, D_m] -> [B, dim].

    A missing modality is 0, so that it adds nothing but the 1.
    """

    def __init__(
        self, dims: Mapping[str, int], dim: int, *, inner: int = 16, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.dim = dim
        # without a bias: the constant 1 in front already gives W every lower order
        self.project = PerModality(
            {name: nn.Linear(width, inner, bias=False) for name, width in dims.items()}
        )
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear((inner + 1) ** len(dims), dim)

    def forward(self, features: Mapping[str, Features]) -> Features:
        x = {name: real_pooled(one) for name, one in features.items()}
        z = reduce(outer, (with_one(self.project[name](vector)) for name, vector in x.items()))
        return fused_vector(self.out(self.dropout(z)), *features.values(), parts=x)


def with_one(vectors: Tensor) -> Tensor:
    """[1; v]: [B, D] -> [B, 1 + D]."""
    return torch.cat([torch.ones_like(vectors[:, :1]), vectors], dim=1)


def outer(left: Tensor, right: Tensor) -> Tensor:
    """All products of two vectors: [B, I] and [B, J] -> [B, I J], j fastest."""
    return einsum(left, right, "b i, b j -> b i j").flatten(1)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [TfnParams]
