"""Grad-CAM: where in an image the evidence for a class lies.

Source: Selvaraju et al. 2017, Grad-CAM, arXiv:1610.02391.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import isqrt

import torch
from einops import rearrange
from torch import Tensor, nn

from mmx.interfaces import Batch, Images, innermost
from mmx.model import Model


def heat_maps(
    model: Model,
    batch: Batch,
    target: Tensor,
    view: int = 0,
    modality: str = "image",
    read: Callable[[Tensor], Tensor] = lambda logits: logits,
) -> Tensor | None:
    """Grad-CAM of the last feature map of an encoder of images.

    Args:
        model: in eval mode; its gradients stay as they were.
        batch: B rows with images before encoding.
        target: [B], int64, what to explain: a place in the evidence.
        view: which of the real views to look at, where a backbone sees several.
        modality: whose images.
        read: makes evidence [B, C] of logits [B, K].

    Returns:
        [B, h, w] in [0, 1], the largest value of each row being 1 where anything speaks for the
        class; None when the encoder has no map with a gradient.
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
        gradients = torch.autograd.grad(score, maps, allow_unused=True) if maps else ()
    pairs = [(a, g) for a, g in zip(maps, gradients, strict=True) if g is not None]
    return _cam(*pairs[-1], rows=len(target), view=view).detach() if pairs else None


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
    """Whether it is a map [B, D, h, w], or tokens [B, N, D] that form one."""
    if output.ndim == 4:
        return min(output.shape[-2:]) > 1
    return output.ndim == 3 and _side(output.shape[1]) > 1


def _side(tokens: int) -> int:
    """Side of the square grid that tokens form, a class token in front or not; 0 if none."""
    for count in (tokens, tokens - 1):
        side = isqrt(count)
        if side * side == count:
            return side
    return 0


def _cam(activation: Tensor, gradient: Tensor, rows: int, view: int) -> Tensor:
    """ReLU(sum_d mean(gradient_d) activation_d) of one view of each row, divided by its maximum."""
    if activation.ndim == 3:
        side = _side(activation.shape[1])
        activation, gradient = (
            rearrange(one[:, -side * side :], "b (h w) d -> b d h w", h=side)
            for one in (activation, gradient)
        )
    weight = gradient.mean(dim=(2, 3), keepdim=True)
    cam = (weight * activation).sum(dim=1).relu()
    # encoders of several views see them one by one
    views = rearrange(cam, "(b v) h w -> b v h w", b=rows)
    one: Tensor = views[:, min(view, views.shape[1] - 1)]
    return one / one.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)
