"""Small grey pictures, by which copies are found."""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mmx.data.images import DEEPEST
from mmx.data.threads import in_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL_SIDE = 64  # pixels
_PIECE = 8  # pictures that a thread takes at a time


def small_greys(pictures: "NDArray[np.generic]") -> "NDArray[np.uint8]":
    """[B, 64, 64], brightness 0..255, of pictures [B, H, W, 3] of 8 or 16 bits."""
    small = np.empty((len(pictures), SMALL_SIDE, SMALL_SIDE), dtype=np.uint8)
    for index, shown in enumerate(in_threads(small_grey, [*pictures], _PIECE)):
        small[index] = shown
    return small


def small_grey(picture: "NDArray[np.generic]") -> "NDArray[np.uint8]":
    """[64, 64], brightness 0..255, of a picture [H, W, 3] of 8 or 16 bits."""
    image = Image.fromarray(_eight_bits(picture)).convert("L")
    return np.asarray(image.resize((SMALL_SIDE, SMALL_SIDE), Image.Resampling.BOX))


def _eight_bits(pixels: "NDArray[np.generic]") -> "NDArray[np.uint8]":
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    return (pixels.astype(np.float32) / DEEPEST * 255 + 0.5).astype(np.uint8)
