"""Readers of images: one format of image files that Pillow does not know."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from mmx.errors import DataError
from mmx.interfaces.reader import ReaderParams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WhichFrame = Literal["only", "first", "middle"]
"""Of a file with several frames: none, which refuses such files, or one of them."""

SPACING = "spacing in mm"
"""What ``traces`` calls the mm between the rows of a file."""

Plane = Literal["axial", "coronal", "sagittal"]
"""How the slices of a volume lie in a body."""


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """What is asked of a reader.

    Attributes:
        name: of the file, for messages.
        pixel_limit: height x width above which nothing is decoded.
        frame: which frame of several, or its place from 0.
        windowed: grey as the file says that it should be shown, such as its window.
        plane: of the slices that are the frames of a volume.
    """

    name: str
    pixel_limit: int
    frame: WhichFrame | int = "only"
    windowed: bool = False
    plane: Plane = "axial"

    def index(self, frames: int) -> int:
        """The place of the wanted frame in a file of so many.

        Raises:
            DataError: the file has several, and nothing says which.
        """
        if isinstance(self.frame, int):
            return self.frame
        if self.frame == "only" and frames > 1:
            raise DataError(
                f"{self.name} has {frames} frames; say which are read: data.image.frames: first, "
                "middle, all, or how many"
            )
        return frames // 2 if self.frame == "middle" else 0


@dataclass(frozen=True, slots=True)
class ImageContents:
    """One picture, upright.

    Attributes:
        pixels: [H, W, 3] RGB, uint8 or uint16 (65535 is white); or [H, W] grey: uint8 from black to
            white, or numbers of any other type, such as Hounsfield units, in which larger is
            brighter.
        ends: values of grey that are black and white as the file says; None where it does not.
        spacing: mm between rows and between columns; None where it is unknown.
    """

    pixels: "NDArray[np.generic]"
    ends: tuple[float, float] | None = None
    spacing: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ImageExample:
    """A small image file that a reader wrote itself.

    Attributes:
        name: with the ending of its files.
        content: its bytes.
        pixels: what ``read`` must give.
    """

    name: str
    content: bytes
    pixels: "NDArray[np.generic]"


class ImageReader(ABC):
    """Reads the images of one format."""

    @abstractmethod
    def read(self, content: bytes, request: ImageRequest) -> ImageContents:
        """The picture in these bytes, which ``claims`` says yes to.

        Raises:
            DataError: damaged, too large, or with several frames where only one may be.
        """

    def frames(self, content: bytes, request: ImageRequest) -> int:
        """How many pictures the file holds, such as the slices of a volume; nothing is decoded.

        Raises:
            DataError: damaged.
        """
        return 1

    def traces(self, head: bytes) -> Mapping[str, str | float | None]:
        """What a file says of its origin, such as the device, by name; the audit looks at it.

        A run tells where ``SPACING`` differs between files.

        Args:
            head: the first MiB of the file. What cannot be read of it is left out.
        """
        return {}

    def example(self) -> ImageExample | None:
        """A small image file, for the checks of readers; None: they are not tried."""
        return None


class ImageReaderParams(ReaderParams):
    """Settings of a reader of images."""

    libraries: ClassVar[tuple[str, ...]] = ()
    """Distributions that may decide pixels though its module does not import them."""
    deep: ClassVar[bool] = False
    """Whether a file may hold more than 8 bits of grey or of a colour; 16 then reach encoders."""

    @classmethod
    def may_be_deep(cls, content: bytes) -> bool:
        """Whether this file may; only then all files of its modality are kept in 16 bits."""
        return cls.deep

    @abstractmethod
    def build(self) -> ImageReader:
        """Build the reader; its library is imported when it reads."""
