"""DICOM: the pixels are those of pydicom's own pipeline, on every file that comes with it.

``python tests/plugins/readers/test_dicom.py`` writes the list of files, docs/dicom.md.
"""

import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.errors import InvalidDicomError
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array

import mmx
from mmx.data import ImageReaders, ImageStore, measured_range
from mmx.errors import MissingExtraError
from mmx.interfaces import ImageRequest, Sample
from mmx.pipeline.image_file_traces import file_traces
from mmx.spec import ImageSpec
from mmx_plugins.readers.dicom import DicomParams

PAGE = Path(__file__).parents[3] / "docs" / "dicom.md"
HOME = Path(str(pydicom.__file__)).parent / "data" / "test_files"
FILES = sorted(file for file in HOME.rglob("*") if file.is_file() and file.suffix != ".py")
INTRO = """# DICOM files that are read

The files that come with pydicom, each read by `reader.dicom` and by pydicom's own functions
(`pixel_array`, `apply_modality_lut`, `apply_voi_lut`, `apply_color_lut`; MONOCHROME1 turned round).
*equal* means that every value is the same, in units of the modality and as the file's window shows
it. A test compares this page with the program. Of files with several frames the first is compared.

| file | transfer syntax | colours | frames | result |
|---|---|---|---|---|
"""


SKIPPED = """
## Files without pixels

All other files that come with pydicom, each refused by `reader.dicom` in plain words. A file that
a new version of pydicom brings fails the test until it stands in one of the two lists.

| file | why it is not compared |
|---|---|
"""


def skipped() -> Iterator[str]:
    """One line for each file that is not compared."""
    for file in FILES:
        if _opened(file) is None:
            with pytest.raises(mmx.DataError):
                _read(file, windowed=False)
            yield f"| {file.relative_to(HOME).as_posix()} | {_why(file)} |"


def _why(file: Path) -> str:
    try:
        found = pydicom.dcmread(file)
    except InvalidDicomError:
        return "pydicom does not take it for DICOM, for its mark is lacking"
    if "PixelData" in found:
        return "damaged on purpose: its size cannot be read"
    kind = found.get("SOPClassUID") or found.file_meta.get("MediaStorageSOPClassUID")
    return f"holds no pixels ({'not said what it is' if kind is None else kind.name})"


def listed() -> Iterator[str]:
    """One line for each file that has pixels."""
    for file in FILES:
        found: Any = _opened(file)
        if found is None:
            continue
        syntax = found.file_meta.get("TransferSyntaxUID")
        name = "not said" if syntax is None else syntax.name
        colours, frames = found.get("PhotometricInterpretation"), found.get("NumberOfFrames") or 1
        yield f"| {file.name} | {name} | {colours} | {frames} | {_result(file, found)} |"


def _opened(file: Path) -> Any:
    try:
        found = pydicom.dcmread(file)
        has = "PixelData" in found and found.get("Rows", 0) > 0
        int(found.get("NumberOfFrames") or 1)
    except Exception:  # no DICOM, or damaged on purpose
        return None
    return found if has else None


def _result(file: Path, found: Any) -> str:
    try:
        stored = pixel_array(found, index=0)
    except Exception:
        with pytest.raises(mmx.DataError):
            _read(file, windowed=False)
        return "pydicom cannot decode it, and mmx refuses it"
    for windowed in (False, True):
        pixels, wanted = _read(file, windowed), _wanted(found, stored, windowed)
        if pixels.shape != wanted.shape or not np.array_equal(pixels, wanted):
            return "DIFFERENT"
    return "equal"


def _read(file: Path, windowed: bool) -> Any:
    request = ImageRequest(file.name, 100_000_000, "first", windowed)
    return DicomParams().build().read(file.read_bytes(), request).pixels.astype(np.float64)


def _wanted(found: Any, stored: Any, windowed: bool) -> Any:
    """The same by pydicom alone."""
    if found.PhotometricInterpretation == "PALETTE COLOR":
        stored = apply_color_lut(stored, found)
    if stored.ndim == 3:
        if stored.dtype == np.uint8:
            return stored.astype(np.float64)
        white = 2.0 ** (8 * stored.dtype.itemsize) - 1
        return np.rint(stored[..., :3] / white * 65535)
    values = apply_modality_lut(stored, found)
    values = (apply_voi_lut(values, found) if windowed else values).astype(np.float64)
    slope, shift = found.get("RescaleSlope", 1), found.get("RescaleIntercept", 0)
    high = 2.0**found.BitsStored - 1
    if found.PhotometricInterpretation == "MONOCHROME1":
        values = high * float(slope) + 2 * float(shift) - values
    plain = (slope, shift, found.get("PixelRepresentation", 0)) == (1, 0, 0)
    shown = found.BitsStored <= 8 and plain and "ModalityLUTSequence" not in found
    return np.rint(values * (255 / high)) if shown else values


@pytest.fixture(scope="module")
def page() -> str:
    with warnings.catch_warnings():  # many of the files are damaged on purpose
        warnings.simplefilter("ignore")
        return whole_page()


def whole_page() -> str:
    return INTRO + "\n".join(listed()) + "\n" + SKIPPED + "\n".join(skipped()) + "\n"


def test_pixels_are_those_of_pydicom_on_all_of_its_files(page: str) -> None:
    assert "DIFFERENT" not in page
    assert page.count("| equal |") >= 60
    assert PAGE.read_text(encoding="utf-8") == page, (
        "run python tests/plugins/readers/test_dicom.py"
    )


def chest(bits: int = 12, **tags: Any) -> bytes:
    """A file of 2 x 3 pixels whose values are 0, 1, 2, 3, 4 and 5 times 100."""
    example = DicomParams().build().example()
    assert example is not None
    found = pydicom.dcmread(io.BytesIO(example.content))
    found.Rows, found.Columns, found.BitsStored, found.HighBit = 2, 3, bits, bits - 1
    found.RescaleIntercept = 0
    found.PixelData = (np.arange(6, dtype=np.uint16) * 100).tobytes()
    for name, value in tags.items():
        setattr(found, name, value)
    file = io.BytesIO()
    found.save_as(file)
    return file.getvalue()


def shown(path: Path, **settings: Any) -> list[float]:
    """The six pixels as a model sees them."""
    spec = ImageSpec(height=2, width=3, fit="stretch", **settings)
    sample = Sample("a", "a", images={"image": (path,)})
    store = ImageStore([sample], spec, folder=path.parent / "cache", memory_gb=1)
    assert list(store.unreadable) == []
    pixels: list[float] = (255 * store.collate([0]).pixels[0, 0, 0]).flatten().tolist()
    return pixels


def test_grey_is_shown_by_a_stated_range_by_its_window_or_by_its_bits(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(chest(WindowCenter=250.5, WindowWidth=501))
    assert shown(path, range=(0, 500)) == pytest.approx([0, 51, 102, 153, 204, 255], abs=0.01)
    assert shown(path, range="dicom") == pytest.approx([0, 51, 102, 153, 204, 255], abs=1)
    assert measured_range([path], ImageRequest("", 1000)) == ((0.0, 1023.0), 1)
    path.write_bytes(
        chest(WindowCenter=250.5, WindowWidth=501, PhotometricInterpretation="MONOCHROME1")
    )
    assert shown(path, range="dicom") == pytest.approx([255, 204, 153, 102, 51, 0], abs=1)


def test_a_header_tells_the_audit_where_the_file_comes_from(tmp_path: Path) -> None:
    path, readers = tmp_path / "a.dcm", ImageReaders()
    path.write_bytes(chest(Manufacturer="Acme", InstitutionName="St. Mary ", StudyDate="20210304",
                           PixelSpacing=[0.14, 0.2], PatientName="Doe^Jane"))  # fmt: skip
    told = {name: value for name, value in file_traces(path, readers).items() if value is not None}
    assert told == {"manufacturer": "Acme", "institution": "St. Mary",
                    "date in the file": "2021-03-04", "spacing in mm": 0.14}  # fmt: skip
    path.write_bytes(chest() + bytes(3 << 20))  # only the head is read
    assert set(file_traces(path, readers).values()) == {None}
    path.write_bytes(chest(Manufacturer="Acme")[:150])
    assert not any(file_traces(path, readers).values())


def test_several_frames_are_refused_until_one_is_chosen(tmp_path: Path) -> None:
    frames = np.repeat(np.array([10, 20, 30], np.uint16) * 10, 6)
    path = tmp_path / "a.dcm"
    path.write_bytes(chest(NumberOfFrames=3, PixelData=frames.tobytes()))
    with pytest.raises(mmx.DataError, match=r"has 3 frames; say which .*data.image.frames"):
        mmx.read_image(path)
    assert shown(path, range=(0, 300), frames="first") == pytest.approx([85] * 6)
    assert shown(path, range=(0, 300), frames="middle") == pytest.approx([170] * 6)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"Rows": 60_000, "Columns": 60_000}, "more than pixel_limit"),
        ({"NumberOfFrames": 2_000_000_000}, "too many"),
        ({"Rows": 0}, "without pixels"),
        ({"PixelData": b"short!"}, "cannot be decoded"),
    ],
)
def test_what_cannot_be_read_is_told_before_it_fills_the_memory(
    tmp_path: Path, tags: dict[str, Any], words: str
) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(chest(**tags))
    with pytest.raises(mmx.DataError, match=words):
        mmx.read_image(path)


def test_an_absent_library_is_told_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.dcm").write_bytes(chest())
    monkeypatch.setitem(__import__("sys").modules, "pydicom", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mmx\[dicom\]'"):
        mmx.read_image(tmp_path / "a.dcm")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    PAGE.write_text(whole_page(), encoding="utf-8")
