"""Features of two and of three modalities, for the tests of fusions of vectors."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from mmx import Features, FeatureShape

Given = dict[str, Features]
TWO, THREE = ("image", "text"), ("image", "text", "record")
close = torch.testing.assert_close
either_number = pytest.mark.parametrize("names", [TWO, THREE], ids=["two", "three"])


def some(given: Given, names: tuple[str, ...]) -> Given:
    return {name: given[name] for name in names}


def widths(names: tuple[str, ...], width: int = 16) -> dict[str, int]:
    return dict.fromkeys(names, width)


def shapes(names: tuple[str, ...], width: int = 16) -> dict[str, FeatureShape]:
    return dict.fromkeys(names, FeatureShape(width))


def without(features: Features) -> Features:
    """The same, missing everywhere."""
    return replace(features, present=torch.zeros_like(features.present))


def holding(pooled: Tensor) -> Features:
    return Features.of_pooled(pooled)


def pooled_of(given: Mapping[str, Features]) -> list[Tensor]:
    return [one.pooled for one in given.values()]
