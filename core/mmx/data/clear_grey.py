"""A grey of a PNG of 16 bits that stands for nothing (its chunk tRNS): it is white, as alpha is.

Source: PNG specification, third edition, 11.3.1.1
"""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray


def on_white(shown: Image.Image, image: Image.Image, top: int) -> Image.Image:
    """The picture with white where the image is clear.

    Args:
        shown: of the image, in RGB, or in mode F from 0 to ``top``.
        image: grey of more than 8 bits, decoded.
        top: white.
    """
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        where = Image.fromarray(np.asarray(image) == clear)
        shown.paste(top if shown.mode == "F" else (top, top, top), mask=where)
    return shown


def without_clear(image: Image.Image) -> "NDArray[np.generic]":
    """Values [H, W] for the range of grey, which a clear one does not widen."""
    values, clear = np.asarray(image), image.info.get("transparency")
    held = values[values != clear] if isinstance(clear, int) else values
    return values.clip(held.min(), held.max()) if held.size else values
