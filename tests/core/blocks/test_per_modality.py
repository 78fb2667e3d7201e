"""Layers by the name of their modality."""

import copy

import torch
from torch import nn

from mmx.blocks import PerModality

NAMES = ("type", "values", "half", "image")  # nn.ModuleDict refuses the first three


def test_any_name_is_taken_and_weights_are_named_by_it() -> None:
    layers = PerModality({name: nn.Linear(2, 3) for name in NAMES})
    assert tuple(layers) == NAMES
    assert len(layers) == 4
    assert [name for name, _ in layers.named_parameters()] == [
        f"{name}.{end}" for name in NAMES for end in ("weight", "bias")
    ]
    assert isinstance(layers["type"], nn.Linear)


def test_it_is_a_module_as_any_other() -> None:
    layers = PerModality({name: nn.Linear(2, 3) for name in NAMES})
    other = copy.deepcopy(layers)
    with torch.no_grad():
        other["half"].bias.add_(1)
    assert not torch.equal(other["half"].bias, layers["half"].bias)
    other.load_state_dict(layers.state_dict())
    assert torch.equal(other["half"].bias, layers["half"].bias)
    assert all(not layer.training for layer in layers.eval().modules())
    assert layers.double()["image"].weight.dtype == torch.float64
