"""Images as a published model was shown them: scaled to its size, then the middle is cut out.

Sizes are rounded down, and pixels are made by Pillow, which most models were trained with. Corners
are rounded down as transformers does, or half to even as torchvision does.
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


def scaled_size(width: int, height: int, resize: int | tuple[int, int]) -> tuple[int, int]:
    """Width and height after scaling: of the shorter side to ``resize``, or to height and width."""
    if isinstance(resize, tuple):
        return resize[1], resize[0]
    if width <= height:
        return resize, int(resize * height / width)
    return int(resize * width / height), resize


def cut_middle(image: Image.Image, frame: ImageFrame) -> "NDArray[np.generic]":
    """Scale an upright image and cut its middle, [height, width, 3], or [height, width] in mode F.

    Smaller images are antialiased.
    """
    size = scaled_size(*image.size, frame.resize)
    scaled = image if size == image.size else image.resize(size, FILTERS[frame.interpolation])
    left, top = _corner(size, frame)
    return np.asarray(scaled)[top : top + frame.height, left : left + frame.width]


def middle_window(width: int, height: int, frame: ImageFrame) -> Box:
    """The part of an upright image that is shown: left, top, right, bottom in its pixels."""
    wide, tall = scaled_size(width, height, frame.resize)
    left, top = _corner((wide, tall), frame)
    across, down = width / wide, height / tall
    right, bottom = (left + frame.width) * across, (top + frame.height) * down
    return left * across, top * down, right, bottom


def _corner(size: tuple[int, int], frame: ImageFrame) -> tuple[int, int]:
    """Left and top of the middle."""
    left, top = size[0] - frame.width, size[1] - frame.height
    if frame.corner == "half_even":
        return round(left / 2), round(top / 2)
    return left // 2, top // 2
