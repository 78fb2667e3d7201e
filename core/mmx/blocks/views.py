"""Views of the same images: mirrored, turned, or cut; boxes go along."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad

from mmx.interfaces import Images

# pixels [..., H, W] of each element of the dihedral group of the square
TURNS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda pixels: pixels,
    "hflip": lambda pixels: pixels.flip(-1),
    "vflip": lambda pixels: pixels.flip(-2),
    "rot180": lambda pixels: pixels.flip(-2, -1),
    "rot90": lambda pixels: pixels.rot90(1, (-2, -1)),
    "rot270": lambda pixels: pixels.rot90(3, (-2, -1)),
    "transpose": lambda pixels: pixels.transpose(-2, -1),
    "anti_transpose": lambda pixels: pixels.transpose(-2, -1).flip(-2, -1),
}
"""Name -> what it makes of pixels [..., H, W]: the eight symmetries of the square."""
# where a point x, y (shares of width and height) goes to
_POINTS: Mapping[str, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "identity": lambda x, y: (x, y),
    "hflip": lambda x, y: (1 - x, y),
    "vflip": lambda x, y: (x, 1 - y),
    "rot180": lambda x, y: (1 - x, 1 - y),
    "rot90": lambda x, y: (y, 1 - x),
    "rot270": lambda x, y: (1 - y, x),
    "transpose": lambda x, y: (y, x),
    "anti_transpose": lambda x, y: (1 - y, 1 - x),
}
Window = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of width and height."""


def turned(images: Images, view: str) -> Images:
    """Images [B, V, 3, H, W] seen in one of the eight views of ``TURNS``; quarter turns swap H, W.

    The identity gives the very same object back.
    """
    if view == "identity":
        return images
    boxes = None if images.boxes is None else _turned_boxes(images.boxes, view)
    return replace(images, pixels=TURNS[view](images.pixels), boxes=boxes)


def _turned_boxes(boxes: Tensor, view: str) -> Tensor:
    left, top, right, bottom = boxes.unbind(dim=-1)
    first, second = _POINTS[view](left, top), _POINTS[view](right, bottom)
    x, y = torch.stack([first[0], second[0]]), torch.stack([first[1], second[1]])
    return torch.stack([x.amin(0), y.amin(0), x.amax(0), y.amax(0)], dim=-1)


def cut(images: Images, window: Window) -> Images:
    """The part of images [B, V, 3, H, W] inside a window, brought back to H x W; antialiased.

    Pixels come back as floating point in [0, 1]; a box of which nothing shows becomes NaN.
    """
    views, (height, width) = images.pixels.shape[1], images.pixels.shape[-2:]
    left, right = round(window[0] * width), round(window[2] * width)
    top, bottom = round(window[1] * height), round(window[3] * height)
    shown = rearrange(images.pixels[..., top:bottom, left:right], "b v c h w -> (b v) c h w")
    sized = interpolate(unit_pixels(shown), (height, width), mode="bicubic", antialias=True).clamp(
        0, 1
    )
    pixels = rearrange(sized, "(b v) c h w -> b v c h w", v=views)
    boxes = None if images.boxes is None else _cut_boxes(images.boxes, window)
    return replace(images, pixels=pixels, boxes=boxes)


def unit_pixels(pixels: Tensor) -> Tensor:
    """Floating point in [0, 1], from whole numbers up to 255 or as they are."""
    return pixels if pixels.is_floating_point() else pixels.float() / 255


def blurred(pixels: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of images [M, C, H, W]; edges are continued."""
    reach = int(3 * sigma + 0.5)
    indices = torch.arange(-reach, reach + 1, device=pixels.device, dtype=pixels.dtype)
    kernel = (-(indices**2) / (2 * sigma**2)).exp()
    kernel = (kernel / kernel.sum()).expand(pixels.shape[1], 1, -1)
    groups = pixels.shape[1]
    wide = pad(pixels, (reach, reach, 0, 0), mode="replicate")
    across = conv2d(wide, kernel[:, :, None], groups=groups)
    tall = pad(across, (0, 0, reach, reach), mode="replicate")
    return conv2d(tall, kernel[..., None], groups=groups)


def _cut_boxes(boxes: Tensor, window: Window) -> Tensor:
    left, top, right, bottom = window
    start = boxes.new_tensor([left, top, left, top])
    size = boxes.new_tensor([right - left, bottom - top] * 2)
    shown = ((boxes - start) / size).clamp(0, 1)
    empty = (shown[..., 2] <= shown[..., 0]) | (shown[..., 3] <= shown[..., 1])
    return shown.masked_fill(empty[..., None], float("nan"))
