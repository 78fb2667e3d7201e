"""Mistakes in fusions of any number: each is caught, by the law that names it."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import pytest
import torch
from pydantic import Field
from torch import nn

from mmx import (
    Features,
    FeatureShape,
    Fusion,
    FusionParams,
    Params,
)
from mmx.blocks import PerModality, fused_vector, real_pooled
from mmx.errors import ShapeError

Failing = Callable[[Params], dict[str, str]]
Caught = Callable[[Params, str], None]
# kind of method -> mistake -> the law that says so
MISTAKES = {
    "fusion of any number": {
        "third modality gets through": "missing",
        "missing modality learns": "missing",
        "stream without a name": "parts",
        "third modality never read": "gradient",
        "three make almost nothing": "spread",
        "three are refused in spite of takes": "builds",
        "one alone is not finite": "shapes",
    },
}


class SumMutantParams(FusionParams):
    """Settings of a sum of any number of maps with a chosen mistake."""

    type: Literal["sum_mutant"] = "sum_mutant"
    takes: ClassVar[tuple[int, int | None]] = (1, None)
    mistake: str = Field(default="", description="what is wrong; empty: nothing")

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build(self, shapes: Mapping[str, FeatureShape]) -> "SumOfAll":
        if len(shapes) == 3 and self.mistake == "three are refused in spite of takes":
            raise ShapeError("two are enough")
        dims = {name: shape.dim for name, shape in shapes.items()}
        return SumOfAll(dims, self.dim, self.mistake)


class SumOfAll(Fusion):
    """sum_m W_m x_m."""

    def __init__(self, dims: Mapping[str, int], dim: int, mistake: str) -> None:
        super().__init__()
        self.dim, self.mistake = dim, mistake
        self.maps = PerModality({name: nn.Linear(width, dim) for name, width in dims.items()})

    def forward(self, features: Mapping[str, Features]) -> Features:
        x = {name: real_pooled(one) for name, one in features.items()}
        names, third = list(x), list(x)[2:]
        if self.mistake == "third modality gets through":
            x |= {name: features[name].pooled for name in third}
        if self.mistake == "missing modality learns":
            raw = {name: one.pooled for name, one in features.items()}
            x = {name: x[name] + raw[name] - raw[name].detach() for name in names}
        used = names[:2] if self.mistake == "third modality never read" else names
        fused = torch.stack([self.maps[name](x[name]) for name in used]).sum(dim=0)
        if self.mistake == "three make almost nothing" and third:
            fused = fused * 1e-5
        if self.mistake == "one alone is not finite":
            fused = fused / (len(names) - 1)
        named = names[:2] if self.mistake == "stream without a name" else names
        return fused_vector(fused, *features.values(), parts={name: x[name] for name in named})


METHODS: dict[str, Callable[..., Params]] = {"fusion of any number": SumMutantParams}
CASES = [(kind, *one) for kind, found in MISTAKES.items() for one in found.items()]


@pytest.mark.parametrize("kind", METHODS)
def test_the_right_ones_keep_all_laws(kind: str, failing: Failing) -> None:
    assert failing(METHODS[kind]()) == {}


@pytest.mark.parametrize(("kind", "mistake", "law"), CASES)
def test_a_mistake_is_caught_by_the_law_that_names_it(
    kind: str, mistake: str, law: str, caught: Caught
) -> None:
    caught(METHODS[kind](mistake=mistake), law)
