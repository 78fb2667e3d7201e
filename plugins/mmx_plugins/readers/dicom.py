"""DICOM: grey in the units that the file states, colours as RGB, upright as stored.

Values are those of the modality: stored values after the modality LUT or rescale, such as
Hounsfield units. MONOCHROME1 is turned round, so that larger is brighter. ``data.image.range:
dicom`` shows them by the file's own VOI LUT or window; otherwise the range is measured, or stated,
as for every file of more than 8 bits. Compressed pixels are decoded by pylibjpeg.

Source: DICOM PS3.3 C.7.6.3, C.11.1 and C.11.2
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from mmx import DataError, Params, hookimpl
from mmx.errors import MissingExtraError, cut
from mmx.interfaces import (
    SPACING,
    ImageContents,
    ImageExample,
    ImageReader,
    ImageReaderParams,
    ImageRequest,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

_PREAMBLE = 128  # bytes before the mark
_BYTES = 1 << 30  # of the pixels of all frames, unpacked
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing")
_GROUPS = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
_TRACES = {
    "Manufacturer": "manufacturer",
    "ManufacturerModelName": "camera",
    "StationName": "station",
    "InstitutionName": "institution",
    "SoftwareVersions": "software",
    "StudyDate": "date in the file",
    "ViewPosition": "view position",
}
"""Tag of DICOM -> what the audit calls it, where it has a name as for other files."""
_LONGEST = 300  # letters of another library that are handed on


class DicomParams(ImageReaderParams):
    """DICOM files, by their mark or their ending."""

    type: Literal["dicom"] = "dicom"
    endings: ClassVar[tuple[str, ...]] = (".dcm", ".dicom")
    deep: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = (
        "pylibjpeg", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle", "python-gdcm",
        "pyjpegls", "pillow",
    )  # fmt: skip

    @classmethod
    def claims(cls, path: Path, head: bytes) -> bool:
        marked = head[_PREAMBLE : _PREAMBLE + 4] == b"DICM"
        return marked or super().claims(path, head)

    def build(self) -> "DicomReader":
        return DicomReader()


class DicomReader(ImageReader):
    """Reads with pydicom, frame by frame."""

    def read(self, content: bytes, request: ImageRequest) -> ImageContents:
        pydicom, found = _library(), _opened(content, request.name)
        shape = _Shape.of(found, request.name)
        _refuse_large(shape, request)
        index = request.index(shape.frames)
        try:
            stored = pydicom.pixels.pixel_array(found, index=index)
            return _contents(found, stored, _spacing(found, index), windowed=request.windowed)
        except Exception as error:
            raise DataError(
                f"the pixels of {request.name} cannot be decoded: {_words(error)}"
            ) from error

    def frames(self, content: bytes, request: ImageRequest) -> int:
        return _Shape.of(_opened(content, request.name), request.name).frames

    def traces(self, head: bytes) -> Mapping[str, str | float | None]:
        pydicom = _library()
        found = pydicom.dcmread(
            io.BytesIO(head), stop_before_pixels=True,
            specific_tags=[*_TRACES, *_SPACINGS, *_GROUPS],
        )  # fmt: skip
        told = {what: _words_of(found.get(tag)) for tag, what in _TRACES.items()}
        spacing = _spacing(found)
        return {**told, SPACING: None if spacing is None else spacing[0]}

    def example(self) -> ImageExample:
        pydicom = _library()
        pixels = np.arange(12, dtype=np.uint16).reshape(3, 4) * 300
        found = pydicom.Dataset()
        found.Rows, found.Columns = pixels.shape
        found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
        found.BitsAllocated, found.BitsStored = 16, 12
        found.HighBit, found.PixelRepresentation = 11, 0
        found.RescaleSlope, found.RescaleIntercept = 1, -1024
        found.PixelData = pixels.tobytes()
        found.file_meta = pydicom.dataset.FileMetaDataset()
        found.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        file = io.BytesIO()
        pydicom.dcmwrite(file, found, little_endian=True, implicit_vr=False)
        marked = bytes(_PREAMBLE) + b"DICM"
        written = file.getvalue()
        content = written if written[_PREAMBLE:][:4] == b"DICM" else marked + written
        return ImageExample("example.dcm", content, pixels.astype(np.int64) - 1024)


def _library() -> ModuleType:
    try:
        import pydicom  # an extra
        import pydicom.pixels  # decoders are not imported with it
    except ImportError as error:
        raise MissingExtraError("pydicom", "mmx[dicom]") from error
    return pydicom


def _opened(content: bytes, name: str) -> "Dataset":
    """The tags of a file; its pixels are decoded when they are asked for."""
    pydicom = _library()
    try:
        found: Dataset = pydicom.dcmread(io.BytesIO(content))
    except Exception as error:  # pydicom raises many types for damaged bytes
        raise DataError(f"{name} is not a readable DICOM file: {_words(error)}") from error
    return found


def _words_of(value: object) -> str | None:
    """The text of a tag; dates as year-month-day."""
    text = "" if value is None else str(value).strip()
    if len(text) == 8 and text.isdigit():
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return text or None


def _words(error: Exception) -> str:
    """What the library says, in one line that can be read."""
    return cut(" ".join(str(error).split()), _LONGEST)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How many pixels a file says that it has; nothing of them is decoded yet."""

    rows: int
    columns: int
    samples: int
    frames: int

    @classmethod
    def of(cls, found: "Dataset", name: str) -> "_Shape":
        """What a file says; one without pixels is refused."""
        try:
            rows, columns = int(found.get("Rows") or 0), int(found.get("Columns") or 0)
            frames = int(found.get("NumberOfFrames") or 1)
            shape = cls(rows, columns, int(found.get("SamplesPerPixel") or 1), frames)
            held = "PixelData" in found
        except Exception as error:  # pydicom reads each value when it is asked for
            raise DataError(f"{name} tells its size wrongly: {_words(error)}") from error
        if not held or min(rows, columns, frames) < 1:
            raise DataError(f"{name} is a DICOM file without pixels, such as a report or a contour")
        return shape


def _refuse_large(shape: _Shape, request: ImageRequest) -> None:
    name, frames = request.name, shape.frames
    rows, columns = shape.rows, shape.columns
    if rows * columns > request.pixel_limit:
        raise DataError(
            f"{name} has {columns} x {rows} pixels, more than pixel_limit = {request.pixel_limit}; "
            "raise data.image.pixel_limit"
        )
    if rows * columns * frames * shape.samples > _BYTES:
        raise DataError(f"{name} has {frames} frames of {columns} x {rows} pixels, too many")


def _contents(
    found: "Dataset",
    stored: "NDArray[Any]",
    spacing: tuple[float, float] | None,
    *,
    windowed: bool,
) -> ImageContents:
    """The picture of one frame."""
    from pydicom.pixels.processing import apply_color_lut  # an extra

    bits = int(found.BitsStored)
    if found.PhotometricInterpretation == "PALETTE COLOR":
        stored = apply_color_lut(stored, found)
        bits = 8 * stored.dtype.itemsize
    if stored.ndim == 3:
        return ImageContents(_colours(stored[..., :3], bits), None, spacing)
    values, ends = grey(found, stored, windowed)
    return ImageContents(values, ends, spacing)


def _colours(stored: "NDArray[Any]", bits: int) -> "NDArray[np.generic]":
    """Red, green and blue: uint8, or uint16 where they have more bits, whose largest is white."""
    if bits <= 8:
        return stored.astype(np.uint8)
    white = 2.0**bits - 1
    return np.rint(stored * (65535 / white)).clip(0, 65535).astype(np.uint16)


def grey(
    found: "Dataset", stored: "NDArray[Any]", windowed: bool
) -> tuple["NDArray[Any]", tuple[float, float] | None]:
    """Values of the modality, or as the file's VOI LUT or window shows them; larger is brighter.

    Returns:
        [H, W], and the values that are black and white; None for uint8.
    """
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut  # an extra

    values: NDArray[Any] = apply_modality_lut(stored, found)
    ends = _ends(found)
    if windowed:
        values = apply_voi_lut(values, found)
        table = found.get("VOILUTSequence")
        if table:
            ends = 0.0, 2.0 ** int(table[0].LUTDescriptor[2]) - 1
    if np.issubdtype(values.dtype, np.floating) and bool((values == np.rint(values)).all()):
        values = values.astype(np.int64)
    if found.PhotometricInterpretation == "MONOCHROME1":
        whole = np.issubdtype(values.dtype, np.integer)
        total = sum(ends)
        values = (int(total) - values.astype(np.int64)) if whole else total - values
    if ends == (0.0, 2.0 ** int(found.BitsStored) - 1) and found.BitsStored <= 8:
        return np.rint(values * (255 / ends[1])).clip(0, 255).astype(np.uint8), None
    return values, ends


def _ends(found: "Dataset") -> tuple[float, float]:
    """Smallest and largest value that the bits of the file can hold, in units of the modality."""
    table = found.get("ModalityLUTSequence")
    if table:
        return 0.0, 2.0 ** int(table[0].LUTDescriptor[2]) - 1
    bits = int(found.BitsStored)
    signed = int(found.get("PixelRepresentation", 0)) == 1
    low, high = (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if signed else (0.0, 2.0**bits - 1)
    slope, shift = float(found.get("RescaleSlope", 1)), float(found.get("RescaleIntercept", 0))
    both = sorted((low * slope + shift, high * slope + shift))
    return both[0], both[1]


def _spacing(found: "Dataset", index: int = 0) -> tuple[float, float] | None:
    """Of a frame: what the file says of its pixels, in enhanced files in groups of tags."""
    places = [found]
    for name, place in zip(_GROUPS, (index, 0), strict=True):
        groups = found.get(name) or []
        measures = groups[place].get("PixelMeasuresSequence") if place < len(groups) else None
        places += list(measures or [])
    stated = (place.get(tag) for tag in _SPACINGS for place in places)
    told = next((one for one in stated if one), None)
    return (float(told[0]), float(told[1])) if told and len(told) == 2 else None


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this reader."""
    return [DicomParams]
