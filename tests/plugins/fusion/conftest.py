"""Features to fuse, and ways to read a fusion's result."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mmx import Features, FeatureShape

sys.path.insert(0, str(Path(__file__).parent))  # for fusing and every_fusion, which lie beside it

MakeFeatures = Callable[..., Features]
WIDTH = 16


@pytest.fixture
def shape() -> FeatureShape:
    """Width of the features that ``make`` gives, with three levels."""
    return FeatureShape(WIDTH, (WIDTH, WIDTH, WIDTH))


@pytest.fixture
def make() -> MakeFeatures:
    """Random features: ``make(batch, tokens, width, seed=0, dtype=..., mask=..., present=...)``."""

    def features(
        batch: int = 3,
        tokens: int = 4,
        width: int = WIDTH,
        *,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        mask: Tensor | None = None,
        present: Tensor | None = None,
        levels: bool = True,
    ) -> Features:
        generator = torch.Generator().manual_seed(seed)

        def draw() -> Features:
            drawn = torch.randn(batch, tokens, width, generator=generator, dtype=torch.float64)
            real = torch.ones(batch, tokens, dtype=torch.bool) if mask is None else mask
            made = Features(drawn.to(dtype), real)
            return made if present is None else made.with_present(present)

        result = draw()
        return replace(result, levels=(draw(), draw(), draw())) if levels else result

    return features


@pytest.fixture
def awake() -> Callable[[nn.Module], nn.Module]:
    """Perturb all weights, so that nothing that starts at 0 hides a path; eval mode."""

    def perturb(module: nn.Module) -> nn.Module:
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in module.parameters():
                noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
                parameter.add_(0.1 * noise.to(parameter.dtype))
        return module.eval()

    return perturb


@pytest.fixture
def given(make: MakeFeatures) -> dict[str, Features]:
    """Three modalities of 4, 5 and 6 tokens, float64."""
    names = ("image", "text", "record")
    return {name: make(3, 4 + k, seed=k, dtype=torch.float64) for k, name in enumerate(names)}


@pytest.fixture
def image(given: dict[str, Features]) -> Features:
    return given["image"]


@pytest.fixture
def text(given: dict[str, Features]) -> Features:
    return given["text"]
