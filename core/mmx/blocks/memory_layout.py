"""Memory layout: convolutions of pictures are quicker with their channels last."""

import torch
from torch import nn


def store_channels_last(module: nn.Module) -> None:
    """Store the weights of two-dimensional convolutions with channels last; nothing else changes.

    ``module.to(memory_format=...)`` would ask it of every parameter with four axes or five, and
    fails on those of three-dimensional convolutions.
    """
    for layer in _of_pictures(module):
        layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)


def likes_channels_last(module: nn.Module) -> bool:
    """Whether it has a two-dimensional convolution."""
    return bool(_of_pictures(module))


def _of_pictures(module: nn.Module) -> list[nn.Conv2d | nn.ConvTranspose2d]:
    layers = [one for one in module.modules() if isinstance(one, nn.Conv2d | nn.ConvTranspose2d)]
    return [one for one in layers if not nn.parameter.is_lazy(one.weight)]
