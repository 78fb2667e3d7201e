"""NIfTI volumes: each slice of a plane is a frame, shown as radiologists look at it.

Values are those of the file after its slope and intercept. Slices of any orientation are turned by
the affine matrix of the file: axial ones from the feet up with the front of the body above, coronal
ones from the back and sagittal ones from the left with the head above; the patient's right is on
the left of axial and coronal slices, the front on the left of sagittal ones.

Source: Cox et al., NIfTI-1 data format, 2004, and NIfTI-2, 2011; https://nifti.nimh.nih.gov
"""

import gzip
import io
from collections.abc import Mapping, Sequence
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

_BYTES = 1 << 30  # of a volume, unpacked
_HEADER = 540  # bytes, of the second version; the first has 348
_PACKED = b"\x1f\x8b"  # how a packed file begins
_MARK, _SECOND_MARK = slice(344, 348), slice(4, 8)  # in the header
_ACROSS = {"sagittal": 0, "coronal": 1, "axial": 2}  # axis, of right, front and head
_UNITS = {1: 1000.0, 3: 0.001}  # mm of a metre and of a micrometre; without a unit they are mm
_UNIT = 7  # the bits of the header that say it
_LONGEST = 300  # letters of another library that are handed on


class NiftiParams(ImageReaderParams):
    """NIfTI files, by their mark or their ending."""

    type: Literal["nifti"] = "nifti"
    endings: ClassVar[tuple[str, ...]] = (".nii", ".nii.gz")
    deep: ClassVar[bool] = True

    @classmethod
    def claims(cls, path: Path, head: bytes) -> bool:
        marked = head[_MARK] == b"n+1\0" or head[_SECOND_MARK] == b"n+2\0"
        return marked or super().claims(path, head)

    def build(self) -> "NiftiReader":
        return NiftiReader()


class NiftiReader(ImageReader):
    """Reads with nibabel, slice by slice; a packed file is unpacked for each."""

    def frames(self, content: bytes, request: ImageRequest) -> int:
        shape, axes = _lying(_opened(content, request.name), request)
        return int(shape[axes[_ACROSS[request.plane]][0]])

    def read(self, content: bytes, request: ImageRequest) -> ImageContents:
        found = _opened(content, request.name)
        shape, axes = _lying(found, request)
        across = _ACROSS[request.plane]
        count = shape[axes[across][0]]
        height, width = (shape[axes[one][0]] for one in (2, 1, 0) if one != across)
        if height * width > request.pixel_limit:
            raise DataError(
                f"{request.name} has {width} x {height} pixels a slice, more than pixel_limit = "
                f"{request.pixel_limit}; raise data.image.pixel_limit"
            )
        index = request.index(count)
        if not 0 <= index < count:
            raise DataError(f"{request.name} has {count} slices, and no slice {index + 1}")
        try:
            pixels = _slice(found, axes, across, index)
        except Exception as error:  # the library raises many types for damaged bytes
            raise DataError(
                f"the voxels of {request.name} cannot be read: {_words(error)}"
            ) from error
        unit = _unit(found.header)
        sizes = [float(one) * unit for one in found.header.get_zooms()[:3]] + [1.0]
        down, right = (sizes[axes[one][0]] for one in (2, 1, 0) if one != across)
        return ImageContents(pixels, None, (down, right))

    def traces(self, head: bytes) -> Mapping[str, str | float | None]:
        nibabel = _library()
        if head.startswith(_PACKED):
            with gzip.open(io.BytesIO(head)) as file:
                head = file.read(_HEADER)
        kind = _kind(nibabel, head).header_class
        header = kind.from_fileobj(io.BytesIO(head[:_HEADER]), check=False)
        sizes = [float(one) * _unit(header) for one in header["pixdim"][1:4]]
        software = bytes(header["descrip"]).rstrip(b"\0").decode("latin-1").strip()
        return {
            SPACING: sizes[0],
            "spacing of slices in mm": sizes[2],
            "software": software or None,
        }

    def example(self) -> ImageExample:
        nibabel = _library()
        voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4) * 100
        image = nibabel.Nifti1Image(voxels, np.diag([1.0, 1.0, 2.0, 1.0]))
        return ImageExample("example.nii", image.to_bytes(), voxels[::-1, ::-1, 0].T)


def _library() -> ModuleType:
    try:
        import nibabel  # an extra
    except ImportError as error:
        raise MissingExtraError("nibabel", "mmx[nifti]") from error
    return nibabel


def _words(error: Exception) -> str:
    """What the library says, in one line that can be read."""
    return cut(" ".join(str(error).split()), _LONGEST)


def _opened(content: bytes, name: str) -> Any:
    """The header; voxels are read when they are asked for."""
    nibabel = _library()
    try:
        whole = _unpacked(content, name)
        return _kind(nibabel, whole).from_bytes(whole)
    except DataError:
        raise
    except Exception as error:  # the library raises many types for damaged bytes
        raise DataError(f"{name} is not a readable NIfTI file: {_words(error)}") from error


def _kind(nibabel: ModuleType, head: bytes) -> Any:
    """The class of images of the version that a header says."""
    return nibabel.Nifti2Image if head[_SECOND_MARK] == b"n+2\0" else nibabel.Nifti1Image


def _unit(header: Any) -> float:
    """The mm of one unit of length of a file."""
    return _UNITS.get(int(header["xyzt_units"]) & _UNIT, 1.0)


def _unpacked(content: bytes, name: str) -> bytes:
    """The bytes of the volume; a packed one is never unpacked beyond what may be read."""
    if not content.startswith(_PACKED):
        return content
    with gzip.open(io.BytesIO(content)) as file:
        whole = file.read(_BYTES + 1)
    if len(whole) > _BYTES:
        raise DataError(f"{name} has more than {_BYTES >> 30} GiB unpacked; cut the volume smaller")
    return whole


def _lying(found: Any, request: ImageRequest) -> tuple[list[int], list[tuple[int, int]]]:
    """How a volume lies in the body.

    Returns:
        Its shape along its own three axes; and for right, front and head the own axis that runs
        along it, and 1 or -1 for its direction.
    """
    nibabel, name = _library(), request.name
    shape = [int(one) for one in found.shape]
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if found.get_data_dtype().names is not None or len(shape) > 3:
        raise DataError(
            f"{name} holds {'colours' if len(shape) < 4 else f'{len(shape)} dimensions'}; one "
            "volume of numbers is read: take one time point or channel of it"
        )
    shape += [1] * (3 - len(shape))
    if min(shape) < 1 or not np.isfinite(found.affine).all():
        raise DataError(f"{name} tells its size or its place in the body wrongly")
    own = nibabel.io_orientation(found.affine)  # [3, 2]: own axis -> body axis, direction
    if np.isnan(own).any():
        raise DataError(f"{name} does not say how its slices lie in the body")
    axes = [(0, 1)] * 3
    for axis, (body, direction) in enumerate(own.tolist()):
        axes[int(body)] = axis, int(direction)
    return shape, axes


def _slice(
    found: Any, axes: Sequence[tuple[int, int]], across: int, index: int
) -> "NDArray[np.generic]":
    """One slice, [H, W], as it is looked at."""
    axis, direction = axes[across]
    voxels = found.dataobj
    volume = len(found.shape)
    count = found.shape[axis] if axis < volume else 1
    place: list[Any] = [slice(None)] * min(volume, 3) + [0] * (volume - 3)
    if axis < volume:
        place[axis] = index if direction > 0 else count - 1 - index
    values: NDArray[np.generic] = np.asarray(voxels[tuple(place)])
    inside = [one for number, one in enumerate(axes) if number != across]
    values = values.reshape([found.shape[one] if one < volume else 1 for one, _ in sorted(inside)])
    if inside[0][0] > inside[1][0]:
        values = values.T
    seen = values[:: inside[0][1], :: inside[1][1]]
    pixels = seen[::-1, ::-1].T
    whole = np.issubdtype(pixels.dtype, np.floating) and bool((pixels == np.rint(pixels)).all())
    return pixels.astype(np.int64) if whole else np.ascontiguousarray(pixels)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this reader."""
    return [NiftiParams]
