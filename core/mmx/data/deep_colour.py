"""Sixteen bits of each colour in PNG and TIFF, of which Pillow keeps one byte.

Pillow unpacks a sample of 16 bits by taking one of its two bytes, the one that the byte order of
the file makes the upper one. Such a file is decoded twice: as it says, which gives the upper bytes,
and as if it had the other byte order, which gives the lower ones. Decoders, limits and refusals are
those of all other files.
"""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFile, TiffImagePlugin

from mmx.data.deep_ppm import deep_ppm, is_deep_ppm
from mmx.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHITE = 65535
"""The largest sample of 16 bits."""

_PLANES = "planes"  # instead of bands: each colour lies behind the one before
_BITS, _PLANAR = 258, 284  # tags of TIFF
_NATIVE = "L" if sys.byteorder == "little" else "B"
_OTHER = {"L": "B", "B": "L"}


def has_deep_colours(image: Image.Image) -> bool:
    """Whether an image that is opened, and not decoded, has more than 8 bits of each colour."""
    return is_deep_ppm(image) or _way(image)[1] != ""


def deep_colours(
    image: Image.Image, again: Callable[[], Image.Image], name: str
) -> "NDArray[np.generic]":
    """[H, W, 3] float32, red, green and blue from 0 to 65535; alpha is laid over white.

    Args:
        image: opened, with 16 bits of each colour; it is decoded here.
        again: opens the same file once more.
        name: of the file, for messages.

    Raises:
        DataError: its colours lie in planes, of which Pillow gives one byte alone or none.
    """
    if is_deep_ppm(image):
        return deep_ppm(image, name)
    bands, order = _way(image)
    if bands == _PLANES:
        raise DataError(
            f"{name} has 16 bits of each colour, one plane behind the other, which are not read; "
            "save it with the colours of a pixel side by side"
        )
    samples: NDArray[np.uint16]
    if bands == "LA":  # one byte of each is all that Pillow unpacks, unless it takes them for RGBA
        samples = _decoded(image, "RGBA").copy().view(">u2").astype(np.uint16)
    else:
        way = "RGBA" if bands == "RGBa" else bands  # colours that are multiplied by alpha stay so
        upper = _decoded(image, f"{way};16{order}").astype(np.uint16)
        lower = _decoded(again(), f"{way};16{_OTHER[order]}").astype(np.uint16)
        samples = np.bitwise_or(upper << np.uint16(8), lower)
    return _colours(samples, bands, image.info.get("transparency"))


def _way(image: Image.Image) -> tuple[str, str]:
    """How an opened image is unpacked: its bands, and its byte order, empty unless of 16 bits."""
    if isinstance(image, TiffImagePlugin.TiffImageFile) and _planar(image):
        return _PLANES, _NATIVE
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    raw = _raw(tiles[0].args) if tiles else ""
    bands, _, bits = raw.partition(";16")
    if not bits or bands == "I":
        return bands, ""
    return bands, _NATIVE if bits == "N" else bits


def _planar(image: TiffImagePlugin.TiffImageFile) -> bool:
    bits = image.tag_v2.get(_BITS, ())
    return image.tag_v2.get(_PLANAR) == 2 and len(bits) > 1 and max(bits) > 8


def _raw(args: object) -> str:
    """The way of unpacking among the arguments of a decoder."""
    first = args[0] if isinstance(args, Sequence) and not isinstance(args, str) and args else args
    return first if isinstance(first, str) else ""


def _decoded(image: Image.Image, raw: str) -> "NDArray[np.uint8]":
    """[H, W, bands], one byte of each sample, unpacked in this way."""
    assert isinstance(image, ImageFile.ImageFile)
    image.tile = [
        one._replace(args=raw if isinstance(one.args, str) else (raw, *(one.args or ())[1:]))
        for one in image.tile
    ]
    image.load()
    return np.asarray(image)


def _colours(
    samples: "NDArray[np.uint16]", bands: str, transparent: object
) -> "NDArray[np.generic]":
    """Red, green and blue of samples [H, W, bands]."""
    values, white = samples.astype(np.float32), np.float32(WHITE)
    if bands == "CMYK":
        return (white - values[..., :3]) * (1 - values[..., 3:] / white)
    if bands in ("LA", "RGBA", "RGBa"):
        alpha = values[..., -1:] / white
        colours = values[..., :-1] * (1 if bands == "RGBa" else alpha) + white * (1 - alpha)
        return np.broadcast_to(colours, (*colours.shape[:2], 3))
    if isinstance(transparent, tuple):  # a colour of a PNG that stands for nothing
        values[(samples == transparent).all(axis=2)] = WHITE
    return values[..., :3]
