"""Reading image files safely, to 8-bit RGB; what has more than 8 bits keeps them where asked for.

| file | behaviour |
|---|---|
| truncated, damaged or zero bytes | DataError; missing pixels are never filled in |
| more pixels than the limit | DataError before anything is decoded |
| grey, 1 bit, palette | the same picture in RGB |
| alpha channel, transparent palette | laid over white |
| CMYK, YCbCr, Lab | converted to RGB |
| more than 8 bits of grey | from ``data.image.range`` to 0..255; never picture by picture |
| the same without a range | 65535 is white; 32 bits and floating point are a DataError |
| 16 bits of each colour, or of grey with alpha | 65535 is 255; only PNG, TIFF, DICOM keep them |
| EXIF orientation | turned upright |
| animated, several pages | the first frame |
"""

import io
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from mmx.data.clear_grey import on_white, without_clear
from mmx.data.deep_colour import WHITE, deep_colours, has_deep_colours
from mmx.data.image_readers import PLAIN, ImageReaders, readers_for
from mmx.data.middle_cut import FILTERS
from mmx.errors import DataError
from mmx.files import read_regular
from mmx.interfaces import Box, ImageContents, ImageRequest, Interpolation, PackedImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000", "PPM", "AVIF")
"""What is decoded; formats that run an interpreter, such as EPS, are left out."""

FILE_LIMIT = 1 << 30
"""Bytes of an image file that are read at most."""

DEEPEST = WHITE
"""White in pixels of 16 bits."""

Layers = tuple[Image.Image, ...]
"""A picture in RGB; or in mode F, from 0 to 65535, one of grey or one of each of three colours."""

PIXEL_LIMIT = 50_000_000  # width x height of a file, unless something else is said

Fit = Literal["cover", "stretch"]
_ORIENTATION = 0x0112  # the EXIF tag
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Frame:
    """How an image file lies before it is turned and cut.

    Attributes:
        width: pixels as stored, before it is turned upright.
        height: pixels as stored.
        orientation: EXIF value 1..8; 1 is upright.
        spacing: mm between rows and between columns; None where the file does not say it.
    """

    width: int
    height: int
    orientation: int = 1
    spacing: tuple[float, float] | None = None

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height once turned upright."""
        turned = self.orientation >= 5  # 5..8 lie on their side
        return (self.height, self.width) if turned else (self.width, self.height)


def read_image(
    path: str | Path | PackedImage,
    *,
    pixel_limit: int = PIXEL_LIMIT,
    grey_range: tuple[float, float] | None = None,
    readers: ImageReaders | None = None,
) -> "NDArray[np.uint8]":
    """Read an image file as [H, W, 3], RGB, upright, whatever its mode (see the module's table).

    Args:
        path: of the file.
        pixel_limit: width x height above which the file is refused; Pillow itself refuses more than
            178,956,970.
        grey_range: values that are black and white in files of more than 8 bits; None: 0 and 65535.
        readers: of formats that Pillow does not know; None: those that are installed.

    Raises:
        DataError: the file is missing, damaged, too large, or of a kind that is not read.
    """
    data = read_bytes(path)
    request = ImageRequest(str(path), pixel_limit)
    (image,), _ = open_upright(data, request, readers or readers_for(data), grey_range=grey_range)
    return np.asarray(image)


def read_bytes(path: str | Path | PackedImage) -> bytes:
    """The bytes of a file; DataError in plain words when it cannot be read or is empty."""
    if isinstance(path, PackedImage):
        data = path.read()
        if not data:
            raise DataError(f"{path} is empty (zero bytes)")
        return data
    try:
        data = read_regular(path, limit=FILE_LIMIT)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a zero byte in the name
        raise DataError(f"{str(path)!r} cannot be read: {error}") from error
    if not data:
        raise DataError(f"{path} is empty (zero bytes)")
    return data


def open_upright(
    data: bytes,
    request: ImageRequest,
    readers: ImageReaders | None,
    *,
    at_least: tuple[int, int] | None = None,
    grey_range: tuple[float, float] | None = None,
    deep: bool = False,
) -> tuple[Layers, Frame]:
    """Decode to an upright RGB image, and tell how it was stored.

    ``at_least`` is a width and height that will do: a JPEG may then come out at 1/2, 1/4 or 1/8 of
    its size, which its decoder does several times faster. ``deep``: grey or colours of more than 8
    bits come out as floating point (mode F) from 0 to 65535.
    """
    top = DEEPEST if deep else 255
    read, name = None if readers is None else readers.read(data, request), request.name
    if read is not None:
        layers = _of_reader(read, name, grey_range, top)
        return layers, Frame(*layers[0].size, spacing=read.spacing)
    try:
        again = partial(_opened, data, name, request.pixel_limit)
        image = again()
        layers = _coloured(deep_colours(image, again, name), top) if has_deep_colours(image) else ()
        orientation = int(image.getexif().get(_ORIENTATION, 1))  # a PNG is decoded for it
        frame = Frame(*image.size, orientation if orientation in range(1, 9) else 1)
        if at_least and image.format == "JPEG" and image.mode in ("L", "RGB", "YCbCr"):
            wanted = at_least if frame.orientation < 5 else (at_least[1], at_least[0])
            image.draft(None, wanted)
        layers = layers or (_rgb(image, name, grey_range, top),)
    except DataError:
        raise
    except Exception as error:  # decoders raise many types for damaged bytes
        raise DataError(f"{name} is not a readable image: {error}") from error
    if frame.orientation > 1:
        layers = tuple(layer.transpose(_UPRIGHT[frame.orientation]) for layer in layers)
    return layers, frame


def _of_reader(
    found: ImageContents, name: str, grey_range: tuple[float, float] | None, top: int
) -> Layers:
    """What a reader found; a stated or measured range counts more than the file's."""
    if found.pixels.dtype == np.uint8:
        return (Image.fromarray(found.pixels).convert("RGB"),)
    if found.pixels.ndim == 3:
        return _coloured(found.pixels, top)
    return (_grey(found.pixels, name, grey_range or found.ends, top),)


def may_be_deep(data: bytes, name: str, readers: ImageReaders) -> bool:
    """Whether a file may hold more than 8 bits of grey or a colour, by its head or its reader."""
    if data.startswith(PLAIN):
        depth = data[24:25]  # of a PNG; the others have 8 bits
        if not data.startswith(PLAIN[0]) or depth <= b"\x08":
            return False
    elif (claimed := readers.deep(data, name)) is not None:
        return claimed
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        return _deep(image) or has_deep_colours(image)
    except Exception:  # noqa: BLE001 - decoders raise many types; it is refused where it is decoded
        return False


def grey_of(
    data: bytes, request: ImageRequest, readers: ImageReaders | None
) -> "NDArray[Any] | None":
    """Values of a file with more than 8 bits of grey, [H, W] as stored; None of any other file.

    Raises:
        DataError: it cannot be read.
    """
    read, name = None if readers is None else readers.read(data, request), request.name
    if read is not None:
        shallow = read.pixels.ndim == 3 or read.pixels.dtype == np.uint8
        return None if shallow else read.pixels
    try:
        image = _opened(data, name, request.pixel_limit)
        return without_clear(image) if _deep(image) else None
    except DataError:
        raise
    except Exception as error:  # decoders raise many types for damaged bytes
        raise DataError(f"{name} is not a readable image: {error}") from error


def _opened(data: bytes, name: str, pixel_limit: int) -> Image.Image:
    """The image, of which no pixel is decoded yet."""
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    width, height = image.size
    if width * height > pixel_limit:
        raise DataError(
            f"{name} has {width} x {height} pixels, more than "
            f"pixel_limit = {pixel_limit}; make it smaller, or raise data.image.pixel_limit"
        )
    return image


def _deep(image: Image.Image) -> bool:
    return image.mode in ("F", "I") or image.mode.startswith("I;")


def _rgb(
    image: Image.Image, name: str, grey_range: tuple[float, float] | None, top: int
) -> Image.Image:
    image.load()
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if _deep(image):
        shown = _grey(np.asarray(image), name, grey_range, top)
        return on_white(shown, image, top)
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        layers = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), layers).convert("RGB")
    return image.convert("RGB")


def _grey(
    values: "NDArray[Any]", name: str, grey_range: tuple[float, float] | None, top: int
) -> Image.Image:
    """Grey from its range to 0..top; what lies outside, or is no number, is cut.

    Whole numbers in RGB where ``top`` is 255, else floating point.
    """
    whole = bool(np.issubdtype(values.dtype, np.integer))
    if not whole and not np.isfinite(values).any():
        raise DataError(f"{name} has no pixel that is a number, so nothing can be seen on it")
    if grey_range is not None:
        low, high = grey_range
        shares = (np.nan_to_num(values.astype(np.float64), nan=low) - low) / (high - low)
        return _shown(shares.clip(0, 1) * top, top)
    known = whole and values.min(initial=0) >= 0 and values.max(initial=0) <= 65535
    if not known:
        raise DataError(
            f"{name} has {values.dtype} pixels of an unknown range; state it: "
            "data.image.range: [low, high]"
        )
    return _shown(values // 257 if top == 255 else values, top)


def _coloured(values: "NDArray[Any]", top: int) -> Layers:
    """Colours [H, W, 3] from 0 to 65535 as layers."""
    if top > 255:
        return tuple(Image.fromarray(np.float32(values[..., band])) for band in range(3))
    shown = (values.clip(0, DEEPEST) / (DEEPEST / 255) + 0.5).astype(np.uint8)
    return (Image.fromarray(shown),)


def _shown(grey: "NDArray[Any]", top: int) -> Image.Image:
    if top > 255:
        return Image.fromarray(grey.astype(np.float32))
    return Image.fromarray((grey + 0.5).astype(np.uint8)).convert("RGB")


def window(frame: Frame, height: int, width: int, fit: Fit) -> Box:
    """The part of the upright image that is shown: left, top, right, bottom in its pixels.

    ``cover`` cuts the overhang off on both sides alike; ``stretch`` shows all, in another shape.
    """
    wide, tall = frame.upright
    if fit == "stretch":
        return 0.0, 0.0, float(wide), float(tall)
    scale = max(width / wide, height / tall)
    left, top = (wide - width / scale) / 2, (tall - height / scale) / 2
    return max(left, 0.0), max(top, 0.0), min(wide - left, wide), min(tall - top, tall)


def resized(
    image: Image.Image,
    frame: Frame,
    height: int,
    width: int,
    fit: Fit,
    interpolation: Interpolation = "bicubic",
) -> "NDArray[np.generic]":
    """Cut and scale an upright image to [height, width, 3], or [height, width] in mode F."""
    box = window(frame, height, width, fit)
    across, down = image.width / frame.upright[0], image.height / frame.upright[1]
    shown = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
    if image.size == (width, height) and shown == (0, 0, width, height):
        return np.asarray(image)
    return np.asarray(image.resize((width, height), FILTERS[interpolation], box=shown))


def box_shares(box: Box, frame: Frame, height: int, width: int, fit: Fit) -> Box:
    """A box in pixels as stored -> shares of the shown picture; NaN if nothing of it shows."""
    return shares_of(box, frame, window(frame, height, width, fit))


def shares_of(box: Box, frame: Frame, shown: Box) -> Box:
    """The same for any part that is shown, in pixels of the upright picture."""
    points = np.array(box, dtype=np.float64).reshape(2, 2) / (frame.width, frame.height)
    turned = _turned(points, frame.orientation) * frame.upright
    left, top, right, bottom = shown
    shares = ((turned - (left, top)) / (right - left, bottom - top)).clip(0, 1)
    low, high = shares.min(axis=0), shares.max(axis=0)
    if not (high > low).all():
        return float("nan"), float("nan"), float("nan"), float("nan")
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _turned(points: "NDArray[np.float64]", orientation: int) -> "NDArray[np.float64]":
    """Points [n, 2] as shares of the stored image -> shares of the upright image."""
    x, y = points[:, 0], points[:, 1]
    across = {2: 1 - x, 3: 1 - x, 5: y, 6: 1 - y, 7: 1 - y, 8: y}.get(orientation, x)
    down = {3: 1 - y, 4: 1 - y, 5: x, 6: x, 7: 1 - x, 8: 1 - x}.get(orientation, y)
    return np.stack([across, down], axis=1)
