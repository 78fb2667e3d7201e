"""Batches on their way to the device."""

from dataclasses import replace
from itertools import chain
from typing import TypeVar

import torch
from einops import rearrange
from torch import Tensor, nn

from mmx.blocks import likes_channels_last
from mmx.interfaces import Batch, Images, map_tensors

T = TypeVar("T")
ALIGNMENT = 64  # bytes; what torch itself allocates by


def to_device(value: T, device: torch.device) -> T:
    """Bring a batch to a device.

    On the CPU, memory that numpy allocated at an odd address is copied to an aligned one: products
    round differently there, and a resumed run would not end with the same bits.
    """
    if device.type == "cpu":
        return map_tensors(value, _aligned)
    if device.type == "cuda":  # pinned, so that the copy overlaps with the step before
        return map_tensors(value, lambda tensor: _pinned(tensor).to(device, non_blocking=True))
    return map_tensors(value, lambda tensor: tensor.to(device))


def beside(module: nn.Module, tensor: Tensor) -> Tensor:
    """A tensor on the device of what a module holds; one that holds nothing takes it as it is.

    After a training loss and link are on a card, and the logits that they are asked about are not.
    """
    held = next(chain(module.parameters(), module.buffers()), None)
    return tensor if held is None else tensor.to(held.device)


def _pinned(tensor: Tensor) -> Tensor:
    return tensor if tensor.is_cuda else tensor.pin_memory()  # one that is there already


def _aligned(tensor: Tensor) -> Tensor:
    return tensor.clone() if tensor.data_ptr() % ALIGNMENT else tensor


def channels_last(batch: Batch, encoders: nn.ModuleDict) -> Batch:
    """The same batch with pixels [B, V, 3, H, W] stored as each encoder likes them."""
    stored = {
        name: _stored(given)
        for name, given in batch.inputs.items()
        if isinstance(given, Images) and likes_channels_last(encoders[name])
    }
    return batch.with_inputs(stored) if stored else batch


def _stored(images: Images) -> Images:
    flat = rearrange(images.pixels, "b v c h w -> (b v) c h w")
    stored = flat.contiguous(memory_format=torch.channels_last)
    pixels = rearrange(stored, "(b v) c h w -> b v c h w", v=images.pixels.shape[1])
    return replace(images, pixels=pixels)
