"""What the pixels of a data set measure, as far as its files say it."""

from collections.abc import Sequence
from pathlib import Path

from mmx.data import FILE_LIMIT, ImageReaders, in_threads
from mmx.errors import MmxError
from mmx.files import open_regular
from mmx.interfaces import SPACING, PackedImage
from mmx.spec import ImageSpec

_LOOKED_AT = 256  # files
_HEAD = 1 << 20  # bytes of a file that its reader is asked about
_ALIKE = 1.05  # ratio up to which spacings are taken for one


def spacing_note(
    files: Sequence[Path | PackedImage], spec: ImageSpec, readers: ImageReaders, of: str = ""
) -> tuple[str, ...]:
    """A sentence where images whose pixels differ in size are scaled to one number of pixels.

    Args:
        files: of the training rows; evenly spaced ones are looked at, at most 256.
        spec: how they are scaled.
        readers: of formats that say what a pixel measures.
        of: whose images, such as `` of clinic``.
    """
    if spec.spacing is not None:
        down, across = spec.spacing
        return (f"pixels{of} are shown at {down:g} x {across:g} mm each, as their files state",)
    step = max(len(files) / _LOOKED_AT, 1)
    some = [files[int(index * step)] for index in range(min(len(files), _LOOKED_AT))]
    found = in_threads(lambda file: _spacing(file, readers), some)
    known = [one for one in found if one is not None and one > 0]
    if not known or max(known) <= _ALIKE * min(known):
        return ()
    return (
        f"pixels{of} measure {min(known):.3g} to {max(known):.3g} mm ({len(known)} training files "
        "say it), and each image is scaled whatever they measure: size in mm is not seen; "
        "data.image.spacing shows all at one",
    )


def _spacing(file: Path | PackedImage, readers: ImageReaders) -> float | None:
    """The mm between the rows of a file; None where it does not say it or cannot be read."""
    try:
        told = readers.traces(_head(file), str(file)).get(SPACING)
    except (OSError, ValueError, MmxError):
        return None  # it is refused with its reason where it is decoded
    return told if isinstance(told, float) else None


def _head(file: Path | PackedImage) -> bytes:
    if isinstance(file, PackedImage):
        return file.head(_HEAD)
    with open_regular(file, limit=FILE_LIMIT) as opened:
        return opened.read(_HEAD)
