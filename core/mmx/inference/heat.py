"""Grad-CAM: where in an image, or in which slices of a volume, the evidence for a class lies.

Source: Selvaraju et al. 2017, Grad-CAM, arXiv:1610.02391.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import isqrt

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mmx.interfaces import Batch, Images, innermost
from mmx.model import Model


def heat_maps(
    model: Model,
    batch: Batch,
    target: Tensor,
    modality: str = "image",
    read: Callable[[Tensor], Tensor] = lambda logits: logits,
) -> Tensor | None:
    """Grad-CAM of the last feature map of an encoder of images that tells places apart.

    Args:
        model: in eval mode; its gradients stay as they were.
        batch: B rows with images before encoding; of volumes, as many slices in each.
        target: [B], int64, what to explain: a place in the evidence.
        modality: whose images.
        read: makes evidence [B, C] of logits [B, K].

    Returns:
        [B, V, h, w], >= 0, in units of the evidence: of each real view that the encoder saw by
        itself, or of the V cells of its map along the slices of a volume. None when the encoder
        has no map with a gradient.
    """
    given = batch.inputs[modality]
    assert isinstance(given, Images)
    pixels = given.pixels
    pixels = pixels if pixels.is_floating_point() else pixels.float() / 255
    # a frozen encoder has no gradient of its own: it must come from the pixels
    images = replace(given, pixels=pixels.detach().clone().requires_grad_(True))
    with torch.enable_grad(), _maps_of(innermost(model.encoder(modality))) as maps:
        outputs = model(batch.with_inputs({modality: images}))
        score = read(outputs.logits).gather(1, target[:, None]).sum()
        found = _last_with_gradient(score, maps)
    return None if found is None else _cam(*found, rows=len(target)).detach()


def along_slices(heat: Tensor, slices: int) -> Tensor:
    """[V, h, w] of the cells of a map along a volume -> [slices, h, w].

    A slice between two cells has what lies linearly between theirs; one that several cells see has
    their mean.
    """
    size, volume = (slices, *heat.shape[1:]), heat[None, None]
    if slices < len(heat):
        return interpolate(volume, size, mode="area")[0, 0]
    return interpolate(volume, size, mode="trilinear", align_corners=False)[0, 0]


@contextmanager
def _maps_of(encoder: nn.Module) -> Iterator[list[Tensor]]:
    """What its modules give on a grid while the context is open, in their order."""
    maps: list[Tensor] = []
    hooks = [module.register_forward_hook(_keeping(maps)) for module in encoder.modules()]
    try:
        yield maps
    finally:
        for hook in hooks:
            hook.remove()


def _keeping(maps: list[Tensor]) -> Callable[[nn.Module, object, object], None]:
    """A forward hook that keeps what lies on a grid."""

    def keep(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor) and output.requires_grad and _on_grid(output):
            maps.append(output)

    return keep


def _on_grid(output: Tensor) -> bool:
    """Whether it is a map [B, D, h, w] or [B, D, t, h, w], or tokens [B, N, D] that form one."""
    if output.ndim in (4, 5):
        return min(output.shape[-2:]) > 1
    return output.ndim == 3 and _side(output.shape[1]) > 1


def _side(tokens: int) -> int:
    """Side of the square grid that tokens form, a class token in front or not; 0 if none."""
    for count in (tokens, tokens - 1):
        side = isqrt(count)
        if side * side == count:
            return side
    return 0


def _last_with_gradient(score: Tensor, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor] | None:
    """The last map that the score depends on, and its gradient.

    Of volumes it is the last one with several cells along the slices, where there is one: networks
    of 3D convolutions bring few slices down to one cell, which is the same for all of them.
    """
    apart = [one for one in maps if one.ndim != 5 or one.shape[2] > 1]
    for one in reversed(apart or maps):
        (gradient,) = torch.autograd.grad(score, [one], allow_unused=True, retain_graph=True)
        if gradient is not None:
            return one, gradient
    return None


def _cam(activation: Tensor, gradient: Tensor, rows: int) -> Tensor:
    """ReLU(sum_d mean(gradient_d) activation_d), [B, V, h, w] of each view or cell of each row."""
    if activation.ndim == 3:
        side = _side(activation.shape[1])
        activation, gradient = (
            rearrange(one[:, -side * side :], "b (h w) d -> b d h w", h=side)
            for one in (activation, gradient)
        )
    weight = gradient.flatten(2).mean(dim=2).view(*gradient.shape[:2], *[1] * (gradient.ndim - 2))
    cam = (weight * activation).sum(dim=1).relu()
    if cam.ndim == 4:  # a volume, [B, t, h, w]
        return cam
    return rearrange(cam, "(b v) h w -> b v h w", b=rows)  # encoders of several views see each
