"""HEIC and HEIF, as telephones save photographs; turned upright, with all bits of each colour.

AVIF, which lies in the same kind of file, is read by Pillow.

Source: ISO/IEC 23008-12, Image File Format
"""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from mmx import DataError, Params, hookimpl
from mmx.errors import MissingExtraError
from mmx.interfaces import (
    ImageContents,
    ImageExample,
    ImageReader,
    ImageReaderParams,
    ImageRequest,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MARKS = 64  # bytes, in which a file says what it is compatible with
_HEAD = 1 << 16  # bytes, in which a file says how many bits its samples have
_CONFIGURATION = b"hvcC"  # the box that says it,
_DEPTH = 17  # at this place: the bits of brightness, less 8, in the three lowest
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc")


class HeicParams(ImageReaderParams):
    """HEIC and HEIF files, by their mark."""

    type: Literal["heic"] = "heic"
    endings: ClassVar[tuple[str, ...]] = (".heic", ".heif")

    @classmethod
    def claims(cls, path: Path, head: bytes) -> bool:
        return head[4:8] == b"ftyp" and head[8:12] in _BRANDS and b"avif" not in head[:_MARKS]

    @classmethod
    def may_be_deep(cls, content: bytes) -> bool:
        head = content[:_HEAD]
        marks = (one.end() for one in re.finditer(_CONFIGURATION, head))
        depths = (head[one + _DEPTH : one + _DEPTH + 1] for one in marks)
        return any(depth and depth[0] & 7 for depth in depths)

    def build(self) -> "HeicReader":
        return HeicReader()


class HeicReader(ImageReader):
    """Reads the primary image with pillow-heif; thumbnails and bursts are left alone."""

    def read(self, content: bytes, request: ImageRequest) -> ImageContents:
        library = _library()
        try:
            found = library.open_heif(io.BytesIO(content), convert_hdr_to_8bit=False)
            width, height = found.size
        except Exception as error:  # the library raises many types for damaged bytes
            raise DataError(f"{request.name} is not a readable HEIC file: {error}") from error
        if width * height > request.pixel_limit:
            raise DataError(
                f"{request.name} has {width} x {height} pixels, more than pixel_limit = "
                f"{request.pixel_limit}; make it smaller, or raise data.image.pixel_limit"
            )
        try:
            bits = int(found.info.get("bit_depth", 8))
            if bits > 8:
                return ImageContents(_deep(np.asarray(found), bits))
            pixels = np.asarray(found.to_pillow().convert("RGB"))
        except Exception as error:
            raise DataError(f"the pixels of {request.name} cannot be decoded: {error}") from error
        return ImageContents(pixels)

    def example(self) -> ImageExample:
        library = _library()
        flat = np.full((64, 64, 3), 128, np.uint8)
        file = io.BytesIO()
        library.from_bytes("RGB", (64, 64), flat.tobytes()).save(file, quality=-1)
        seen = library.open_heif(io.BytesIO(file.getvalue())).to_pillow()
        return ImageExample("example.heic", file.getvalue(), np.asarray(seen.convert("RGB")))


def _deep(samples: "NDArray[np.uint16]", bits: int) -> "NDArray[np.uint16]":
    """[H, W, 3] from 0 to 65535, laid over white where the image is clear.

    Args:
        samples: [H, W] or [H, W, C], of so many bits, at the upper end of 16.
        bits: of each sample.
    """
    white = float((2**bits - 1) << (16 - bits))
    values = np.atleast_3d(samples).astype(np.float32) / np.float32(white)
    if values.shape[2] in (2, 4):
        alpha = values[..., -1:]
        values = values[..., :-1] * alpha + 1 - alpha
    shown = np.rint(values * 65535).clip(0, 65535).astype(np.uint16)
    return np.ascontiguousarray(np.broadcast_to(shown, (*shown.shape[:2], 3)))


def _library() -> ModuleType:
    try:
        import pillow_heif  # an extra
    except ImportError as error:
        raise MissingExtraError("pillow-heif", "mmx[heic]") from error
    return pillow_heif


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this reader."""
    return [HeicParams]
