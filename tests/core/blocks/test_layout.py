"""Channels last is for two-dimensional convolutions; everything else stays as it is."""

import torch
from torch import nn

from mmx.blocks.memory_layout import likes_channels_last, store_channels_last


def test_only_convolutions_of_pictures_change_their_layout() -> None:
    layers = {
        "one": nn.Conv1d(3, 4, 2), "two": nn.Conv2d(3, 4, 2), "back": nn.ConvTranspose2d(3, 4, 2),
        "three": nn.Conv3d(3, 4, 2), "line": nn.Linear(3, 4), "lazy": nn.LazyConv2d(4, 2),
    }  # fmt: skip
    module = nn.ModuleDict(layers)
    module.register_parameter("grid", nn.Parameter(torch.randn(2, 3, 4, 5)))
    before = {
        name: value.clone() for name, value in module.named_parameters() if "lazy" not in name
    }
    store_channels_last(module)
    for name, value in module.named_parameters():
        if "lazy" in name:
            continue
        assert torch.equal(value, before[name])
        last = value.is_contiguous(memory_format=torch.channels_last) if value.ndim == 4 else False
        assert last == (name in ("two.weight", "back.weight")), name


def test_who_likes_it() -> None:
    assert likes_channels_last(nn.Sequential(nn.Linear(2, 2), nn.Conv2d(3, 4, 2)))
    assert not likes_channels_last(nn.Sequential(nn.Conv1d(3, 4, 2), nn.Conv3d(3, 4, 2)))
