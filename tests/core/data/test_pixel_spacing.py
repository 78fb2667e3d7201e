"""With ``data.image.spacing`` a millimetre is as long in every image, whatever its pixels."""

import io
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
import torch
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from torch.nn.functional import interpolate

from mmx import DataError
from mmx.data import Decoder, ImageReaders, ImageStore
from mmx.data.decoded_images import decode
from mmx.interfaces import ImageFrame, ImageRequest, Sample
from mmx.pipeline.pixel_spacings import spacing_note
from mmx.spec import ImageSpec

DISC = 20.0  # mm across, in the middle


def disc(rows: int, columns: int, spacing: tuple[float, float]) -> "np.ndarray[Any, Any]":
    """[rows, columns] uint16: 1,000 inside of a disc, 0 outside, with soft pixels at its edge."""
    fine = 8
    y = (np.arange(rows * fine) + 0.5) / fine * spacing[0] - rows * spacing[0] / 2
    x = (np.arange(columns * fine) + 0.5) / fine * spacing[1] - columns * spacing[1] / 2
    inside = (y[:, None] ** 2 + x[None] ** 2 <= (DISC / 2) ** 2).astype(float)
    shares = inside.reshape(rows, fine, columns, fine).mean(axis=(1, 3))
    return np.rint(shares * 1000).astype(np.uint16)


def dicom(pixels: "np.ndarray[Any, Any]", **tags: Any) -> bytes:
    found = Dataset()
    found.Rows, found.Columns = pixels.shape
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
    found.BitsAllocated, found.BitsStored, found.HighBit = 16, 12, 11
    found.PixelRepresentation, found.PixelData = 0, pixels.tobytes()
    for name, value in tags.items():
        setattr(found, name, value)
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = io.BytesIO()
    pydicom.dcmwrite(file, found, little_endian=True, implicit_vr=False)
    return bytes(128) + b"DICM" + file.getvalue().removeprefix(bytes(128) + b"DICM")


def shown(file: Path, spec: ImageSpec) -> "np.ndarray[Any, Any]":
    """[H, W], shares of white."""
    pixels, _ = decode(file, Decoder(spec, ImageReaders(), deep=True))
    return pixels[..., 0].astype(float) / 65535


def spec(**settings: Any) -> ImageSpec:
    return ImageSpec(**{"height": 64, "width": 64, "range": (0, 1000), **settings})


@pytest.mark.parametrize(
    ("rows", "columns", "spacing"),
    [(200, 200, (0.2, 0.2)), (80, 200, (0.5, 0.2)), (50, 50, (1, 1)), (33, 47, (1.5, 0.75)),
     (512, 400, (0.12, 0.16))],
)  # fmt: skip
@pytest.mark.parametrize("target", [0.5, (0.4, 0.8)])
def test_a_disc_keeps_its_size_in_mm(
    tmp_path: Path, rows: int, columns: int, spacing: tuple[float, float], target: Any
) -> None:
    file = tmp_path / "a.dcm"
    file.write_bytes(dicom(disc(rows, columns, spacing), PixelSpacing=[*spacing]))
    own = spec(spacing=target)
    pixels = shown(file, own)
    assert own.spacing is not None
    down, across = own.spacing
    area = pixels.sum() * down * across
    assert area == pytest.approx(np.pi * (DISC / 2) ** 2, rel=0.01)
    tall, wide = pixels.sum(axis=0).max() * down, pixels.sum(axis=1).max() * across
    assert (tall, wide) == pytest.approx((DISC, DISC), abs=max(down, across) / 2)
    middle = (np.indices(pixels.shape) * pixels).sum(axis=(1, 2)) / pixels.sum() + 0.5
    assert middle == pytest.approx((32, 32), abs=0.51)


def test_pixels_are_those_of_torch_where_nothing_is_cut(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).integers(0, 1000, (96, 120), dtype=np.uint16)
    file = tmp_path / "a.dcm"
    file.write_bytes(dicom(drawn, PixelSpacing=[0.25, 0.4]))  # 24 x 48 mm
    pixels = shown(file, spec(height=48, width=96, spacing=0.5, interpolation="bilinear"))
    whole = interpolate(
        torch.from_numpy(drawn / 1000.0)[None, None], size=(48, 96), mode="bilinear",
        antialias=True, align_corners=False,
    )[0, 0].numpy()  # fmt: skip
    np.testing.assert_allclose(pixels, whole, atol=1e-4)


def test_what_an_image_lacks_is_a_bar(tmp_path: Path) -> None:
    file = tmp_path / "a.dcm"
    file.write_bytes(dicom(np.full((20, 40), 1000, np.uint16), PixelSpacing=[1, 1]))
    pixels = shown(file, spec(height=40, width=40, spacing=1, fill=51))
    assert np.unique(pixels[10:30]).tolist() == [1.0]
    assert np.unique(pixels[[*range(10), *range(30, 40)]]).tolist() == pytest.approx([0.2])


def test_slices_of_volumes_use_their_zooms(tmp_path: Path) -> None:
    volume = np.repeat(disc(60, 120, (1.0, 0.5))[..., None], 4, axis=2).astype(np.int16)
    image = nibabel.Nifti1Image(volume, np.diag([1.0, 0.5, 3.0, 1.0]))
    nibabel.save(image, tmp_path / "a.nii.gz")
    pixels = shown(tmp_path / "a.nii.gz", spec(spacing=0.5, frames="middle"))
    assert pixels.sum() * 0.25 == pytest.approx(np.pi * (DISC / 2) ** 2, rel=0.01)


def enhanced(spacing: list[float], *, frames: bool) -> dict[str, Any]:
    measures, group = Dataset(), Dataset()
    measures.PixelSpacing = spacing
    group.PixelMeasuresSequence = [measures]
    kind = "PerFrame" if frames else "Shared"
    return {f"{kind}FunctionalGroupsSequence": [group]}


@pytest.mark.parametrize(
    ("tags", "spacing"),
    [
        ({"PixelSpacing": [0.5, 0.25]}, (0.5, 0.25)),
        ({"ImagerPixelSpacing": [0.14, 0.14]}, (0.14, 0.14)),
        ({"ImagerPixelSpacing": [0.14, 0.14], "PixelSpacing": [0.1, 0.1]}, (0.1, 0.1)),
        (enhanced([0.7, 0.8], frames=False), (0.7, 0.8)),
        (enhanced([0.7, 0.8], frames=True), (0.7, 0.8)),
        ({}, None),
    ],
)
def test_where_a_dicom_file_says_it(tags: dict[str, Any], spacing: object) -> None:
    found = ImageReaders().read(dicom(disc(8, 8, (1, 1)), **tags), ImageRequest("a.dcm", 99))
    assert found is not None
    assert found.spacing == spacing


def store(folder: Path, files: list[Path], own: ImageSpec) -> ImageStore:
    samples = [Sample(file.name, file.name, images={"image": (file,)}) for file in files]
    return ImageStore(samples, own, folder=folder / "c", memory_gb=1)


def test_an_image_that_does_not_say_it_is_refused_at_its_row(
    tmp_path: Path, write_image: Any
) -> None:
    (tmp_path / "a.dcm").write_bytes(dicom(disc(50, 50, (1, 1)), PixelSpacing=[1, 1]))
    (tmp_path / "b.dcm").write_bytes(dicom(disc(50, 50, (1, 1)), PixelSpacing=[0, 1]))
    files = [tmp_path / "a.dcm", tmp_path / "b.dcm", write_image("c.png")]
    found = store(tmp_path, files, spec(spacing=0.5))
    assert [(one.row, one.reason.partition("mm")[0]) for one in found.unreadable] == [
        ("b.dcm", f"{files[1]} states pixels of 0 x 1 "),
        ("c.png", f"{files[2]} does not say what its pixels measure, and data.image.spacing asks "
                  "for pixels of 0.5 x 0.5 "),
    ]  # fmt: skip
    other = store(tmp_path, files[:1], spec(spacing=0.6))
    assert found.keys[0] != other.keys[0]
    assert not torch.equal(found.collate([0]).pixels, other.collate([0]).pixels)


def test_boxes_are_refused_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(dicom(disc(50, 50, (1, 1)), PixelSpacing=[1, 1]))
    sample = Sample("a", "a", images={"image": (tmp_path / "a.dcm",)},
                    boxes={"image": ((1.0, 1.0, 9.0, 9.0),)})  # fmt: skip
    with pytest.raises(DataError, match=r"boxes, which data\.image\.spacing does not move"):
        ImageStore([sample], spec(spacing=1), folder=tmp_path / "c", memory_gb=1)


def test_where_spacings_differ_and_nobody_asks_it_is_said(tmp_path: Path, write_image: Any) -> None:
    files = [write_image("c.png")]
    for row, mm in enumerate((0.1, 0.1, 0.14)):
        files.append(tmp_path / f"{row}.dcm")
        files[-1].write_bytes(dicom(disc(50, 50, (1, 1)), PixelSpacing=[mm, mm]))
    readers = ImageReaders()
    (told,) = spacing_note(files, spec(), readers, " of scan")
    assert told.startswith("pixels of scan measure 0.1 to 0.14 mm (3 training files say it), and")
    assert spacing_note(files[:3], spec(), readers) == ()
    (said,) = spacing_note(files, spec(spacing=0.2), readers)
    assert said == "pixels are shown at 0.2 x 0.2 mm each, as their files state"


def test_a_scale_is_stated_once() -> None:
    for other in ({"resize": 64}, {"fit": "stretch"}):
        with pytest.raises(ValueError, match="spacing says how far an image is scaled"):
            spec(spacing=0.5, **other)
    wanted = ImageFrame(32, 48, 256, "bilinear", "half_even")
    seen = spec(spacing=0.5).shown_to(wanted)  # an encoder's own size; the scale stays as stated
    assert (seen.height, seen.width, seen.interpolation) == (32, 48, "bilinear")
    assert (seen.resize, seen.spacing) == (None, (0.5, 0.5))
