"""Checkpoints whose names all stand behind one prefix are refused with the prefix."""

import pytest
from torch import nn

import mmx
from mmx.blocks.weights import load_tensors


@pytest.mark.parametrize("prefix", ["module.", "model.", "visual.trunk."])
def test_the_prefix_is_named(prefix: str) -> None:
    layer = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    state = {prefix + name: value for name, value in layer.state_dict().items()}
    with pytest.raises(mmx.WeightsError, match=f"behind the prefix '{prefix}'"):
        load_tensors(layer, state, "x.pth")
