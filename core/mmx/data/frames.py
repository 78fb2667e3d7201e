"""Several pictures of one file, such as the slices of a volume, each an image of its row."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmx.data.image_readers import ImageReaders
from mmx.data.images import read_bytes
from mmx.errors import DataError
from mmx.interfaces import ImageRequest, ImageSource, PackedImage

if TYPE_CHECKING:
    from mmx.spec import ImageSpec


@dataclass(frozen=True, slots=True)
class Decoder:
    """How image files become pixels.

    Attributes:
        spec: size, range and frames.
        readers: of formats that Pillow does not know.
        deep: pixels have 16 bits, since some files hold more than 8 of grey or of a colour.
    """

    spec: "ImageSpec"
    readers: ImageReaders
    deep: bool = False

    @property
    def dtype(self) -> "type[np.uint8] | type[np.uint16]":
        """Type of pixels."""
        return np.uint16 if self.deep else np.uint8


class FileFrame(PackedImage):
    """One of several frames of a file.

    Attributes:
        source: the file.
        index: of the frame, from 0.
    """

    def __init__(self, source: Path | PackedImage, index: int) -> None:
        self.source = source
        self.index = index
        self.name = f"{source}, frame {index + 1}"

    @property
    def place(self) -> tuple[str, int] | None:
        """That of the file, and which frame of it."""
        around = self.source.place if isinstance(self.source, PackedImage) else None
        if isinstance(self.source, Path):
            return str(self.source.absolute()), self.index
        return None if around is None else (f"{around}", self.index)

    def read(self) -> bytes:
        """The bytes of the whole file."""
        return read_bytes(self.source)


def request_for(source: Path | PackedImage, spec: "ImageSpec") -> ImageRequest:
    """What is asked of the reader of a source."""
    if isinstance(source, FileFrame):
        return spec.request(str(source.source), source.index)
    return spec.request(str(source))


def frames_of(source: ImageSource, decoder: Decoder) -> Iterator[ImageSource]:
    """The frames of a file that are images of their row; the file itself where it is one image.

    A file that cannot be read is one image too: it is refused where it is decoded.
    """
    wanted = decoder.spec.frames
    several = isinstance(wanted, int) or wanted == "all"
    count = _count(source, decoder) if several and isinstance(source, Path | PackedImage) else 1
    if count < 2 or not isinstance(source, Path | PackedImage):
        yield source
        return
    most = min(wanted, count) if isinstance(wanted, int) else count
    for number in range(most):  # the middle of each of so many equal stretches
        yield FileFrame(source, (2 * number + 1) * count // (2 * most))


def _count(source: Path | PackedImage, decoder: Decoder) -> int:
    try:
        request = decoder.spec.request(str(source))
        return decoder.readers.frames(read_bytes(source), request)
    except DataError:
        return 1
