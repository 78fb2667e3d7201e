"""Images that are rows of an array."""

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mmx import DataError
from mmx.interfaces import PackedImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LARGEST = 2**31 - 1
_COLOURS = (1, 3, 4)  # bands of a picture whose last axis they are


class ArrayImage(PackedImage):
    """One picture of an array; its file is made when it is asked for.

    Attributes:
        name: of the array, with the place in it.
        pixels: [H, W] grey, or [H, W, C] grey, RGB or RGBA.
    """

    def __init__(self, name: str, pixels: "NDArray[np.generic]") -> None:
        self.name, self.pixels = name, pixels

    @staticmethod
    def flat(pixels: "NDArray[np.generic]") -> bool:
        """Whether these are one picture, and no volume."""
        return pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in _COLOURS)

    def read(self) -> bytes:
        """A TIFF, which keeps grey of any depth."""
        pixels = self.pixels[..., 0] if self.pixels.shape[2:] == (1,) else self.pixels
        if pixels.dtype == bool:
            pixels = pixels.astype(np.uint8) * np.uint8(255)
        if pixels.dtype.kind == "f":
            pixels = pixels.astype(np.float32)
        elif pixels.dtype not in (np.uint8, np.uint16):
            pixels = pixels.astype(np.int32)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format="TIFF")
        return file.getvalue()


def check_picture(array: "NDArray[np.generic]", name: str) -> None:
    """Refuse an array of pictures that have no meaning known here.

    Args:
        array: [n, H, W], [n, H, W, C], [n, slices, H, W] or [n, slices, H, W, C].
        name: for messages.

    Raises:
        DataError: text, colours of more than 8 bits, or bands before the pixels.
    """
    shape = " x ".join(map(str, array.shape[1:]))
    own = array[0] if len(array) else np.zeros(array.shape[1:], array.dtype)
    picture = own if ArrayImage.flat(own) or 0 in own.shape else own[0]
    if array.dtype.kind not in "biuf" or 0 in own.shape or not ArrayImage.flat(picture):
        raise DataError(
            f"{name} has {shape} values of type {array.dtype} a case; pictures are [n, H, W] or "
            "[n, H, W, 3], volumes [n, slices, H, W]"
        )
    if array.ndim == 4 and array.shape[1] in (3, 4) and array.shape[2] > array.shape[1]:
        raise DataError(
            f"{name} has {shape} values a case: {array.shape[1]} colours before the pixels, or as "
            "many slices; save colours as the last axis, [n, H, W, 3]"
        )
    if array.dtype.kind in "iu" and array.dtype.itemsize > 2 and _largest(array) > _LARGEST:
        raise DataError(f"{name} has numbers of more than 32 bits; save grey with fewer")
    coloured = picture.ndim == 3 and array.shape[-1] > 1
    if coloured and array.dtype != np.uint8:
        raise DataError(
            f"{name} has colours of type {array.dtype}; save them as whole numbers of 8 bits "
            "(uint8)"
        )


def _largest(array: "NDArray[np.generic]") -> int:
    """The largest number, whatever its sign."""
    return max(int(np.max(array)), -int(np.min(array)))
