"""HEIC: the photograph as the library shows it, and what is refused."""

import io
from pathlib import Path

import numpy as np
import pillow_heif
import pytest

import mmx
from mmx.data import ImageStore
from mmx.errors import MissingExtraError
from mmx.interfaces import ImageRequest, Sample
from mmx.spec import ImageSpec
from mmx_plugins.readers.heic import HeicParams


def photo(side: int = 64) -> bytes:
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[:, : side // 2] = (200, 40, 40)
    file = io.BytesIO()
    pillow_heif.from_bytes("RGB", (side, side), pixels.tobytes()).save(file, quality=-1)
    return file.getvalue()


def test_a_photograph_of_a_telephone_is_read(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.HEIC").write_bytes(photo())
    pixels = mmx.read_image(tmp_path / "IMG_1.HEIC").astype(int)
    assert pixels.shape == (64, 64, 3)
    assert np.abs(pixels[:, :32] - (200, 40, 40)).max() <= 3  # lossless but for the colour space
    assert pixels[:, 32:].max() <= 3


def test_what_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(photo())
    with pytest.raises(mmx.DataError, match="64 x 64 pixels, more than pixel_limit = 100"):
        mmx.read_image(path, pixel_limit=100)
    path.write_bytes(photo()[:200])
    with pytest.raises(mmx.DataError, match="HEIC file|cannot be decoded"):
        mmx.read_image(path)
    assert not HeicParams.claims(path, b"\x00\x00\x00\x18ftypisom")  # a film
    path.write_bytes(photo())
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mmx\[heic\]'"):
        mmx.read_image(path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_ten_bits_are_kept(tmp_path: Path, mode: str) -> None:
    bands = {"RGB": 3, "RGBA": 4, "L": 1}[mode]
    ramp = np.repeat(np.linspace(0, 65535, 64).astype(np.uint16)[None], 64, axis=0)
    pixels = np.stack([ramp] * bands, axis=2)
    if mode == "RGBA":
        pixels[..., 3] = 65535
    file = io.BytesIO()
    image = pillow_heif.from_bytes(f"{mode};16", (64, 64), pixels.tobytes())
    image.save(file, quality=-1, chroma=444, matrix_coefficients=0)
    content = file.getvalue()
    assert (
        pillow_heif.open_heif(io.BytesIO(content), convert_hdr_to_8bit=False).info["bit_depth"]
        == 10
    )
    assert HeicParams.may_be_deep(content)
    assert not HeicParams.may_be_deep(photo())
    found = HeicParams().build().read(content, ImageRequest("a.heic", 10_000))
    assert (found.pixels.dtype, found.pixels.shape) == (np.uint16, (64, 64, 3))
    seen = found.pixels[0, :, 0].astype(int)
    assert np.abs(seen - ramp[0]).max() <= 65535 / 1023 * 2
    assert len(np.unique(seen)) > 60  # of 8 bits it would be as many, but not between their steps
    assert np.abs(seen / 257 - np.rint(seen / 257)).max() > 0.2
    (tmp_path / "a.heic").write_bytes(content)
    store = ImageStore(
        [Sample("a", "a", images={"image": (tmp_path / "a.heic",)})],
        ImageSpec(height=64, width=64), folder=tmp_path / "c", memory_gb=1,
    )  # fmt: skip
    assert store.deep
    assert store.collate([0]).pixels[0, 0, 0, 0, -1] == 1


def test_a_clear_place_is_white() -> None:
    pixels = np.zeros((64, 64, 4), np.uint16)
    pixels[:, 32:, 3] = 65535
    file = io.BytesIO()
    pillow_heif.from_bytes("RGBA;16", (64, 64), pixels.tobytes()).save(file, quality=-1)
    found = HeicParams().build().read(file.getvalue(), ImageRequest("a.heic", 10_000)).pixels
    assert found[:, :30].min() > 65000
    assert found[:, 34:].max() < 600


def test_a_photograph_of_eight_bits_stays_one(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(photo())
    sample = Sample("a", "a", images={"image": (tmp_path / "a.heic",)})
    spec = ImageSpec(height=64, width=64)
    store = ImageStore([sample], spec, folder=tmp_path / "c", memory_gb=1)
    assert not store.deep
