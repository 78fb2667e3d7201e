"""What an image file says about itself: format, compression, device and the pattern of its name."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from mmx.data import FILE_LIMIT, ImageReaders
from mmx.errors import MmxError
from mmx.files import open_regular
from mmx.interfaces import ImageSource, Value

# tags of EXIF
_CAMERA = (0x010F, 0x0110)
_SOFTWARE = 0x0131
_DATE = 0x0132
_HEAD = 1 << 20  # bytes of a file that a reader is asked about
_DIGITS = re.compile(r"\d+")


def name_pattern(name: str) -> str:
    """A name with its numbers as one sign: ``IMG_0012`` and ``IMG_7`` are both ``IMG_#``."""
    return _DIGITS.sub("#", name)


def file_names(image: ImageSource | None) -> tuple[Value, Value]:
    """Pattern of the name and folder of an image; None where it is no file."""
    if not isinstance(image, Path):
        return None, None
    return name_pattern(image.name), name_pattern(image.parent.name)


def file_traces(image: ImageSource | None, readers: ImageReaders) -> Mapping[str, Value]:
    """Properties of an image file by name; empty where there is none to read.

    Args:
        image: of which a file is opened, and no pixel read.
        readers: of formats that Pillow does not know.
    """
    if not isinstance(image, Path) or not image.is_file():
        return {}
    try:
        with Image.open(image) as opened:
            return _properties(opened)
    except UnidentifiedImageError:
        return _of_reader(image, readers)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return {}  # the data report tells which images cannot be read


def _of_reader(file: Path, readers: ImageReaders) -> Mapping[str, Value]:
    try:
        with open_regular(file, limit=FILE_LIMIT) as opened:
            return readers.traces(opened.read(_HEAD), str(file))
    except (OSError, ValueError, MmxError):
        return {}


def _properties(image: Image.Image) -> dict[str, Value]:
    tags = image.getexif()
    tables: Any = getattr(image, "quantization", None) or {}  # of JPEG alone
    camera = " ".join(str(tags[tag]).strip() for tag in _CAMERA if tag in tags)
    resolution: Any = image.info.get("dpi")
    return {
        "image format": image.format,
        "colour mode": image.mode,
        "JPEG quantisation": float(sum(map(sum, tables.values()))) if tables else None,
        "resolution in the file": float(resolution[0]) if resolution else None,
        "camera": camera or None,
        "software": str(tags[_SOFTWARE]).strip() if _SOFTWARE in tags else None,
        "date in the file": str(tags[_DATE])[:10].replace(":", "-") if _DATE in tags else None,
        "number of EXIF tags": float(len(tags)),
    }
