"""NIfTI: slices lie as nibabel's canonical order has them, whatever way the file stores them."""

import gzip
import struct
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

import mmx
from mmx.data import ImageReaders, ImageStore
from mmx.errors import MissingExtraError
from mmx.interfaces import ImageRequest, PackedImage, Plane, Sample
from mmx.spec import ImageSpec
from mmx_plugins.readers.nifti import NiftiParams

BODY = np.random.default_rng(0).integers(-1000, 1000, (4, 5, 6)).astype(np.int16)  # [R, A, S]


def stored(ways: str, slope: float = 1.0) -> bytes:
    """The body as a file whose axes run these ways, such as LPI."""
    image = nibabel.Nifti1Image(BODY, np.diag([2.0, 3.0, 4.0, 1.0]))
    turned: Any = nibabel.orientations.ornt_transform(
        nibabel.orientations.axcodes2ornt("RAS"), nibabel.orientations.axcodes2ornt(ways)
    )
    turned = image.as_reoriented(turned)
    content = bytearray(turned.to_bytes())
    content[112:120] = struct.pack("<ff", slope, 5 if slope != 1 else 0)  # scl_slope, scl_inter
    return bytes(content)


def seen(content: bytes, plane: Plane, index: int) -> Any:
    request = ImageRequest("scan.nii", 1000, index, plane=plane)
    return NiftiParams().build().read(content, request)


@pytest.mark.parametrize("ways", ["RAS", "LPS", "PIR", "SLA", "ALI"])
def test_slices_are_turned_by_the_matrix_of_the_file(ways: str) -> None:
    content = stored(ways)
    # from the feet up, front above and the patient's right on the left
    np.testing.assert_array_equal(seen(content, "axial", 2).pixels, BODY[::-1, ::-1, 2].T)
    # from the back, and from the left; head above
    np.testing.assert_array_equal(seen(content, "coronal", 1).pixels, BODY[::-1, 1, ::-1].T)
    np.testing.assert_array_equal(seen(content, "sagittal", 3).pixels, BODY[3, ::-1, ::-1].T)
    assert seen(content, "axial", 0).spacing == (3, 2)
    assert seen(content, "sagittal", 0).spacing == (4, 3)
    planes: tuple[Plane, ...] = ("sagittal", "coronal", "axial")
    requests = [ImageRequest("a.nii", 9, plane=plane) for plane in planes]
    assert [NiftiParams().build().frames(content, one) for one in requests] == [4, 5, 6]


def test_values_are_those_after_slope_and_intercept() -> None:
    image: Any = nibabel.Nifti1Image.from_bytes(stored("RAS", 0.5))
    assert (image.dataobj.slope, image.dataobj.inter) == (0.5, 5)
    expected = image.get_fdata()[::-1, ::-1, 0].T
    np.testing.assert_array_equal(seen(stored("RAS", 0.5), "axial", 0).pixels, expected)


@pytest.mark.parametrize(("frames", "shown"), [("all", [0, 1, 2, 3, 4, 5]), (2, [1, 4]), (9, None)])
def test_slices_are_images_of_their_row(tmp_path: Path, frames: Any, shown: list[int]) -> None:
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(stored("LPS")))
    spec = ImageSpec(height=5, width=4, fit="stretch", range=(-1000, 1000), frames=frames)
    sample = Sample("a", "a", images={"image": (tmp_path / "a.nii.gz",)})
    store = ImageStore([sample], spec, folder=tmp_path / "cache", memory_gb=1)
    pixels = store.collate([0]).pixels[0, :, 0].numpy()
    wanted = BODY[::-1, ::-1, shown or range(6)].transpose(2, 1, 0)
    np.testing.assert_allclose(pixels, (wanted + 1000.0) / 2000, atol=1e-5)
    assert store.centre.tolist() == [len(pixels) // 2]
    assert len(set(store.view_keys()[0])) == len(pixels)
    assert store.file_of(0) == ""  # volumes are encoded together with others
    with pytest.raises(mmx.DataError, match=r"has 6 frames; say which .*data.image.frames"):
        mmx.read_image(tmp_path / "a.nii.gz")


class InShard(PackedImage):
    """A volume that lies in a shard beside others."""

    name = "a.nii"

    @property
    def place(self) -> tuple[str, int]:
        return "shard.tar", 512

    def read(self) -> bytes:
        return stored("LPS")


def test_slices_of_a_volume_in_a_shard_lie_in_the_shard(tmp_path: Path) -> None:
    spec = ImageSpec(height=5, width=4, range=(-1000, 1000), frames=2)
    samples = [Sample("a", "a", images={"image": (InShard(),)}), Sample("b", "b")]
    store = ImageStore(samples, spec, folder=tmp_path, memory_gb=1)
    assert [store.file_of(row) for row in (0, 1)] == ["shard.tar", ""]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (nibabel.Nifti1Image(np.zeros((2, 2, 2, 3), np.int16), np.eye(4)), "4 dimensions"),
        (nibabel.Nifti1Image(np.zeros((2, 2, 2, 1), np.int16), np.eye(4)), "has 2 frames"),
        (
            nibabel.Nifti1Image(np.zeros((2, 2, 2), [(c, "u1") for c in "RGB"]), np.eye(4)),
            "colours",
        ),
        (nibabel.Nifti1Image(np.zeros((99, 99, 1), np.int16), np.eye(4)), "more than pixel_limit"),
    ],
)
def test_what_is_no_volume_of_numbers_is_refused(tmp_path: Path, image: Any, words: str) -> None:
    (tmp_path / "a.nii").write_bytes(image.to_bytes())
    with pytest.raises(mmx.DataError, match=words):
        mmx.read_image(tmp_path / "a.nii", pixel_limit=1000)


def test_an_absent_library_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nibabel", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mmx\[nifti\]'"):
        ImageReaders().read(stored("RAS"), ImageRequest("a.nii", 1000))


LIBRARY = Path(str(nibabel.__file__)).parent
OF_NIBABEL = {
    "tests/data/anatomical.nii": "equal",
    "tests/data/example4d.nii.gz": "holds 4 dimensions",
    "tests/data/example_nifti2.nii.gz": "holds 4 dimensions",
    "tests/data/functional.nii": "holds 4 dimensions",
    "tests/data/reoriented_anat_moved.nii": "equal",
    "tests/data/resampled_anat_moved.nii": "equal",
    "tests/data/row_major.dconn.nii": "holds 6 dimensions",  # connections, no volume
    "tests/data/standard.nii.gz": "equal",
}
"""Each file that the reader claims -> equal to nibabel's own pixels, or why it is refused."""


def result(file: Path) -> str:
    """How a file that comes with nibabel is read, held against nibabel's own order of axes."""
    content = file.read_bytes()
    request = ImageRequest(file.name, 1_000_000, "middle")
    try:
        found = NiftiParams().build().read(content, request).pixels
    except mmx.DataError as error:
        return str(error).removeprefix(f"{file.name} ").partition(";")[0]
    canonical = nibabel.as_closest_canonical(nibabel.load(file))
    volume: Any = np.asarray(canonical.dataobj)
    volume = volume.reshape(volume.shape[:3])
    middle = volume[:, :, volume.shape[2] // 2]
    return "equal" if np.array_equal(found, middle[::-1, ::-1].T, equal_nan=True) else "DIFFERENT"


def test_files_that_come_with_nibabel_are_read_or_listed_with_the_reason() -> None:
    files = [one for one in sorted(LIBRARY.rglob("*")) if one.is_file()]
    claimed = [one for one in files if NiftiParams.claims(one, one.read_bytes()[:4096])]
    assert {one.relative_to(LIBRARY).as_posix(): result(one) for one in claimed} == OF_NIBABEL


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("version", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_both_versions_are_read_and_tell_their_origin(version: Any, packed: bool) -> None:
    image = version(BODY, np.diag([0.5, 0.75, 4.0, 1.0]))
    image.header["descrip"] = b"FSL5.0"
    content = gzip.compress(image.to_bytes()) if packed else image.to_bytes()
    assert packed or NiftiParams.claims(Path("scan"), content[:4096])
    found = seen(content, "axial", 2)
    np.testing.assert_array_equal(found.pixels, BODY[::-1, ::-1, 2].T)
    assert found.spacing == (0.75, 0.5)
    told = {"spacing in mm": 0.5, "spacing of slices in mm": 4.0, "software": "FSL5.0"}
    assert NiftiParams().build().traces(content[: 1 << 20]) == told


@pytest.mark.parametrize(("unit", "size"), [("meter", 1e-3), ("micron", 1e3), ("unknown", 1.0)])
def test_spacings_are_in_mm_whatever_the_unit_of_the_file(unit: str, size: float) -> None:
    image = nibabel.Nifti1Image(BODY, np.diag([2.0 * size, 3.0 * size, 4.0 * size, 1.0]))
    image.header.set_xyzt_units(xyz=unit)
    content = image.to_bytes()
    assert seen(content, "axial", 0).spacing == pytest.approx((3, 2))
    told = ImageReaders().traces(content, "scan.nii")
    assert (told["spacing in mm"], told["spacing of slices in mm"]) == pytest.approx((2, 4))
