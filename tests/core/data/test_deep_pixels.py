"""Grey of more than 8 bits keeps its steps through decoding, scaling and augmentation."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import interpolate

from mmx.data import ImageReaders, ImageStore
from mmx.interfaces import Sample
from mmx.spec import ImageSpec
from mmx.training.augment import Augmentation, Strength

STEP = 1 / 4096  # of 12 bits
RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def _file(folder: Path, name: str, values: "np.ndarray[Any, Any]") -> Path:
    Image.fromarray(values).save(folder / name)
    return folder / name


def _store(
    folder: Path, files: list[Path], side: int = 64, memory_gb: float = 1.0, **said: Any
) -> ImageStore:
    samples = [Sample(file.name, file.name, images={"image": (file,)}) for file in files]
    spec = ImageSpec(height=side, width=side, range=(0, 4095), **said)
    readers = ImageReaders()
    return ImageStore(samples, spec, folder=folder / "kept", memory_gb=memory_gb, readers=readers)


@pytest.mark.parametrize("name", ["ramp.png", "ramp.tiff"])
@pytest.mark.parametrize("memory_gb", [1.0, 0.0])
def test_a_ramp_of_twelve_bits_keeps_every_step(
    tmp_path: Path, name: str, memory_gb: float
) -> None:
    store = _store(tmp_path, [_file(tmp_path, name, RAMP)], memory_gb=memory_gb)
    pixels = store.collate([0]).pixels
    assert pixels.dtype == torch.float32
    error = (pixels[0, 0].double() - torch.from_numpy(RAMP / 4095.0)).abs().max()
    assert error < STEP / 16  # it was 1/512 in 8 bits
    assert len(np.unique(pixels.numpy())) == 4096


@pytest.mark.parametrize("said", [{}, {"resize": 40, "interpolation": "bilinear"}])
def test_scaling_loses_no_step_either(tmp_path: Path, said: dict[str, Any]) -> None:
    """The reference scales in double precision; torch antialiases as Pillow does."""
    side = 32
    store = _store(tmp_path, [_file(tmp_path, "ramp.png", RAMP)], side, **said)
    grey = torch.from_numpy(RAMP / 4095.0)[None, None]
    size = said.get("resize", side)
    mode = said.get("interpolation", "bicubic")
    wanted = interpolate(grey, (size, size), mode=mode, antialias=True)
    first = (size - side) // 2
    wanted = wanted[..., first : first + side, first : first + side].clamp(0, 1)
    assert (store.collate([0]).pixels[0, 0].double() - wanted[0]).abs().max() < STEP


def test_a_file_of_eight_bits_is_the_same_beside_deep_ones(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    plain = _file(tmp_path, "plain.png", colours)
    alone = _store(tmp_path, [plain], 32)
    beside = _store(tmp_path, [plain, _file(tmp_path, "ramp.png", RAMP)], 32)
    pixels = alone.collate([0]).pixels
    assert pixels.dtype == torch.uint8
    assert torch.equal(pixels.float() / 255, beside.collate([0]).pixels)
    assert alone.keys[0] == beside.keys[0]
    assert np.array_equal(alone.pictures([0]), beside.pictures([0]))


def test_maps_of_eight_bits_are_named_and_sized_as_ever(tmp_path: Path) -> None:
    grey = _file(tmp_path, "plain.png", (RAMP // 16).astype(np.uint8))
    _store(tmp_path, [grey], 32)
    (file,) = (tmp_path / "kept").glob("*.npy")
    assert np.load(file, mmap_mode="r").dtype == np.uint8
    _store(tmp_path, [_file(tmp_path, "ramp.png", RAMP)], 32)
    maps = (tmp_path / "kept").glob("*.npy")
    assert {np.load(one, mmap_mode="r").dtype.name for one in maps} == {"uint8", "uint16"}


def test_a_kept_map_is_found_again_and_a_damaged_one_is_mended(tmp_path: Path) -> None:
    files = [_file(tmp_path, "ramp.png", RAMP)]
    first = _store(tmp_path, files).collate([0]).pixels
    (map_,) = (tmp_path / "kept").glob("*.npy")
    assert torch.equal(_store(tmp_path, files).collate([0]).pixels, first)
    content = bytearray(map_.read_bytes())
    content[-1] ^= 0xFF
    map_.write_bytes(content)
    assert torch.equal(_store(tmp_path, files).collate([0]).pixels, first)


def test_eyes_see_eight_bits(tmp_path: Path) -> None:
    shown = _store(tmp_path, [_file(tmp_path, "ramp.png", RAMP)]).pictures([0])
    assert shown.dtype == np.uint8
    assert np.abs(shown[0, 0, ..., 0] - RAMP / 4095 * 255).max() <= 0.5001


def test_augmentation_keeps_the_steps(tmp_path: Path) -> None:
    images = _store(tmp_path, [_file(tmp_path, "ramp.png", RAMP)]).collate([0])
    augment = Augmentation(("hflip",), Strength(light=0.0))
    draws = augment.draw(1, torch.Generator().manual_seed(0))
    changed = augment(images, draws).pixels
    assert (changed - images.pixels.flip(-1)).abs().max() < STEP / 16
    assert len(np.unique(changed.numpy())) == 4096
