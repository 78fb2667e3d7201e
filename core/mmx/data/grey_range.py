"""Which grey is black and which is white in files of more than 8 bits, measured on training rows.

X-rays of 10, 12 or 14 bits stand in files of 16 bits, and nothing in such a file says so. The range
is that of the whole data set, never of single pictures, so that brightness keeps its meaning.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmx.data.image_readers import PLAIN, ImageReaders
from mmx.data.images import grey_of, read_bytes
from mmx.data.threads import in_threads
from mmx.errors import DataError
from mmx.files import open_regular
from mmx.interfaces import ImageRequest, PackedImage, WhichFrame

Range = tuple[float, float]

LOOKED_AT = 256  # files
_BITS = (8, 10, 12, 14, 16)
_PNG, *_SHALLOW = PLAIN  # JPEG, GIF, BMP, WebP: 8 bits at most
_HEAD = 25  # bytes; the last one is the bit depth of a PNG
_LIMIT = 2**40  # bytes; only the head is read


def measured_range(
    files: Sequence[Path | PackedImage],
    request: ImageRequest,
    readers: ImageReaders | None = None,
) -> tuple[Range, int] | None:
    """The range of the files that have more than 8 bits, and how many were looked at.

    Whole numbers from 0 on: 0 to the largest value of 8, 10, 12, 14 or 16 bits that holds them all.
    Fractions in [0, 1]: that. Anything else: the smallest and the largest value.

    Args:
        files: of the training rows; evenly spaced ones are read, at most 256.
        request: what is asked of each; files with more pixels are passed over, as they are refused
            later. Of several frames the middle one is measured, unless it is the first that counts.
        readers: of formats that Pillow does not know; None: those that are installed.

    Returns:
        None when no file has more than 8 bits.
    """
    may = in_threads(_may_be_deep, files)
    deep = [file for file, so in zip(files, may, strict=True) if so]
    step = max(len(deep) / LOOKED_AT, 1)
    some = [deep[int(index * step)] for index in range(min(len(deep), LOOKED_AT))]
    known = (readers or ImageReaders()) if some else None
    ends = [end for end in in_threads(lambda file: _ends(file, request, known), some, 1) if end]
    if not ends:
        return None
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    whole = all(end[2] for end in ends)
    return _range(low, high, whole), len(ends)


def _range(low: float, high: float, whole: bool) -> Range:
    if whole and low >= 0 and high < 2**16:
        bits = next(bits for bits in _BITS if high < 2**bits)
        return 0.0, float(2**bits - 1)
    if not whole and low >= 0 and high <= 1:
        return 0.0, 1.0
    return low, high if high > low else low + 1.0


def _may_be_deep(file: Path | PackedImage) -> bool:
    """Whether the head of a file leaves room for more than 8 bits of grey."""
    try:
        head = _head(file)
    except (OSError, ValueError, DataError):
        return False  # it is refused with its reason where it is decoded
    if head.startswith(_PNG):
        return len(head) == _HEAD and head[-1] > 8
    return not head.startswith(tuple(_SHALLOW))


def _head(file: Path | PackedImage) -> bytes:
    if isinstance(file, PackedImage):
        return file.head(_HEAD)
    with open_regular(file, limit=_LIMIT) as stream:
        return stream.read(_HEAD)


def _ends(
    file: Path | PackedImage, request: ImageRequest, readers: ImageReaders | None
) -> tuple[float, float, bool] | None:
    """Smallest and largest value, and whether all are whole; None for 8 bits or damage."""
    try:
        one: WhichFrame = "first" if request.frame == "first" else "middle"
        asked = replace(request, name=str(file), frame=one)
        values = grey_of(read_bytes(file), asked, readers)
    except DataError:
        return None
    if values is None or not values.size:
        return None
    whole = np.issubdtype(values.dtype, np.integer)
    finite = values[np.isfinite(values)] if not whole else values
    if not finite.size:
        return None
    return float(finite.min()), float(finite.max()), bool(whole)
