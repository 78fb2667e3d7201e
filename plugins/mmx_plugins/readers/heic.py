"""HEIC and HEIF, as telephones save photographs; turned upright, 8 bits of each colour.

AVIF, which lies in the same kind of file, is read by Pillow.

Source: ISO/IEC 23008-12, Image File Format
"""

import io
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import ClassVar, Literal

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

_MARKS = 64  # bytes, in which a file says what it is compatible with
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc")


class HeicParams(ImageReaderParams):
    """HEIC and HEIF files, by their mark."""

    type: Literal["heic"] = "heic"
    endings: ClassVar[tuple[str, ...]] = (".heic", ".heif")

    @classmethod
    def claims(cls, path: Path, head: bytes) -> bool:
        return head[4:8] == b"ftyp" and head[8:12] in _BRANDS and b"avif" not in head[:_MARKS]

    def build(self) -> "HeicReader":
        return HeicReader()


class HeicReader(ImageReader):
    """Reads the primary image with pillow-heif; thumbnails and bursts are left alone."""

    def read(self, content: bytes, request: ImageRequest) -> ImageContents:
        library = _library()
        try:
            found = library.open_heif(io.BytesIO(content), convert_hdr_to_8bit=True)
            width, height = found.size
        except Exception as error:  # the library raises many types for damaged bytes
            raise DataError(f"{request.name} is not a readable HEIC file: {error}") from error
        if width * height > request.pixel_limit:
            raise DataError(
                f"{request.name} has {width} x {height} pixels, more than pixel_limit = "
                f"{request.pixel_limit}; make it smaller, or raise data.image.pixel_limit"
            )
        try:
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
