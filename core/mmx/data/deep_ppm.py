"""PPM of more than 8 bits of each colour, of which Pillow gives 8.

Source: the Netpbm format, netpbm.sourceforge.net/doc/ppm.html
"""

import re
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFile

from mmx.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PACKED, _PLAIN = "ppm", "ppm_plain"  # decoders of Pillow
_COMMENT = re.compile(rb"#[^\n\r]*")


def is_deep_ppm(image: Image.Image) -> bool:
    """Whether an image that is opened, and not decoded, is a PPM of more than 8 bits."""
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    if not tiles or tiles[0].codec_name not in (_PACKED, _PLAIN) or image.mode != "RGB":
        return False
    return _white(image) > 255


def deep_ppm(image: Image.Image, name: str) -> "NDArray[np.float32]":
    """[H, W, 3] float32, red, green and blue from 0 to 65535.

    Raises:
        DataError: it holds fewer samples than it says, or one above its own white.
    """
    assert isinstance(image, ImageFile.ImageFile)
    assert image.fp is not None  # nothing of it is decoded yet
    (tile, *_), count = image.tile, image.width * image.height * 3
    image.fp.seek(tile.offset)
    if tile.codec_name == _PLAIN:
        words = _COMMENT.sub(b"", image.fp.read()).split()[:count]
        samples = np.array([int(word) for word in words], dtype=np.int64)
    else:
        held = image.fp.read(2 * count)
        samples = np.frombuffer(held[: len(held) // 2 * 2], ">u2").astype(np.int64)
    white = _white(image)
    if len(samples) < count:
        raise DataError(f"{name} is cut short: {len(samples)} of {count} samples are there")
    if samples.min(initial=0) < 0 or samples.max(initial=0) > white:
        raise DataError(f"{name} has samples beyond 0 to {white}, its own black and white")
    colours = samples.reshape(image.height, image.width, 3) * (65535 / white)
    return colours.astype(np.float32)


def _white(image: Image.Image) -> int:
    """The largest sample, as the file says it."""
    assert isinstance(image, ImageFile.ImageFile)
    args = image.tile[0].args
    last = args[-1] if isinstance(args, tuple) else 255
    return last if isinstance(last, int) else 255
