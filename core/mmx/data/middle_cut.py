"""Images as a published model was shown them: scaled to its size, then the middle is cut out.

Sizes are rounded down, and pixels are made by Pillow, which most models were trained with. Corners
are rounded down as transformers does, or half to even as torchvision does. Where an image covers
what is shown, or lies inside of it, sizes are rounded half to even as timm and open_clip do.
"""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mmx.interfaces import Box, ImageFrame

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def scaled_size(width: int, height: int, frame: ImageFrame) -> tuple[int, int]:
    """Width and height of an image after scaling, as ``frame.resize`` says."""
    resize = frame.resize
    if isinstance(resize, str):
        ratios = width / frame.width, height / frame.height
        ratio = max(ratios) if resize == "contain" else min(ratios)
        return max(1, round(width / ratio)), max(1, round(height / ratio))
    if isinstance(resize, tuple):
        return resize[1], resize[0]
    if width <= height:
        return resize, int(resize * height / width)
    return int(resize * width / height), resize


def cut_middle(image: Image.Image, frame: ImageFrame) -> "NDArray[np.generic]":
    """Scale an upright image and cut its middle, [height, width, 3], or [height, width] in mode F.

    Smaller images are antialiased. Bars stand where the scaled image is smaller than what is shown.
    """
    size = scaled_size(*image.size, frame)
    scaled = image if size == image.size else image.resize(size, FILTERS[frame.interpolation])
    left, top = _corner(size, frame)
    if min(left, top) >= 0:
        return np.asarray(scaled)[top : top + frame.height, left : left + frame.width]
    return framed(scaled, (-left, -top), (frame.width, frame.height), frame.fill)


def framed(
    image: Image.Image, corner: tuple[int, int], size: tuple[int, int], fill: int
) -> "NDArray[np.generic]":
    """An image with its corner here, in a picture of this width and height; grey beside it.

    Args:
        image: RGB, or grey in mode F from 0 to 65535.
        corner: left and top of the image in what is shown; negative: it is cut.
        size: width and height of what is shown.
        fill: grey of the bars, from 0 to 255.
    """
    grey: float | tuple[int, int, int] = (fill, fill, fill)
    if image.mode == "F":
        grey = fill * 257.0  # of 16 bits
    shown = Image.new(image.mode, size, grey)
    shown.paste(image, corner)
    return np.asarray(shown)


def middle_window(width: int, height: int, frame: ImageFrame) -> Box:
    """The part of an upright image that is shown: left, top, right, bottom in its pixels."""
    wide, tall = scaled_size(width, height, frame)
    left, top = _corner((wide, tall), frame)
    across, down = width / wide, height / tall
    right, bottom = (left + frame.width) * across, (top + frame.height) * down
    return left * across, top * down, right, bottom


def _corner(size: tuple[int, int], frame: ImageFrame) -> tuple[int, int]:
    """Left and top of the middle in the scaled image; negative where a bar stands before it."""
    return _half(size[0] - frame.width, frame), _half(size[1] - frame.height, frame)


def _half(over: int, frame: ImageFrame) -> int:
    """Half of what is cut off; of what is lacking, the larger half stands behind."""
    if over < 0:
        return -(-over // 2)
    return round(over / 2) if frame.corner == "half_even" else over // 2
