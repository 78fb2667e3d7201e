"""Each fusion with each number of modalities."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from every_fusion import LENGTHS, NAMES, Given, MakeFeatures, params_of, tried
from torch import nn

from mmx import FeatureShape, FusionParams


@pytest.fixture(params=tried(), ids=lambda one: f"{one[0]}-{len(one[1])}")
def tried_case(request: pytest.FixtureRequest) -> tuple[str, tuple[str, ...]]:
    found: tuple[str, tuple[str, ...]] = request.param
    return found


@pytest.fixture
def case(tried_case: tuple[str, tuple[str, ...]]) -> str:
    return tried_case[0]


@pytest.fixture
def names(tried_case: tuple[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tried_case[1]


@pytest.fixture
def params(case: str) -> FusionParams:
    return params_of(case)


@pytest.fixture
def build(
    params: FusionParams, shape: FeatureShape, names: tuple[str, ...]
) -> Callable[[], nn.Module]:
    def built() -> nn.Module:
        torch.manual_seed(0)
        return params.build({name: replace(shape, grid=name == "image") for name in names})

    return built


@pytest.fixture
def given(make: MakeFeatures, names: tuple[str, ...]) -> Callable[..., Given]:
    """Features of all modalities: ``given(rows)``."""

    def made(rows: int = 3, **more: object) -> Given:
        return {name: make(rows, LENGTHS[name], seed=NAMES.index(name), **more) for name in names}

    return made
