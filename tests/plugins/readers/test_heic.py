"""HEIC: the photograph as the library shows it, and what is refused."""

import io
from pathlib import Path

import numpy as np
import pillow_heif
import pytest

import mmx
from mmx.errors import MissingExtraError
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
