"""Images are decoded once, kept by content, and handed out as they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mmx import Sample, read_image
from mmx.data import ImageStore
from mmx.spec import ImageSpec

Write = Callable[..., Path]
SPEC = ImageSpec(height=20, width=30)


class Square:
    """A computed picture."""

    def __init__(self, value: int) -> None:
        self.value, self.drawn = value, 0

    @property
    def key(self) -> str:
        return f"square-{self.value}"

    def pixels(self) -> np.ndarray:
        self.drawn += 1
        return np.full((20, 30, 3), self.value, dtype=np.uint8)


def _store(
    samples: list[Sample], tmp_path: Path, memory_gb: float = 1.0, **spec: Any
) -> ImageStore:
    settings = SPEC.model_copy(update=spec)
    return ImageStore(samples, settings, folder=tmp_path / "cache", memory_gb=memory_gb)


@pytest.fixture
def samples(write_image: Write) -> list[Sample]:
    """One image, two images, none, and a copy of the first."""
    a, b, c = (write_image(f"{name}.png", seed=seed) for seed, name in enumerate("abc"))
    twin = write_image("twin.png", seed=0)
    return [
        Sample("one", "g", {"image": (a,)}, {"image": ((3.0, 5.0, 15.0, 10.0),)}),
        Sample("two", "g", {"image": (b, c)}, {"image": (None, (0.0, 0.0, 30.0, 20.0))}),
        Sample("none", "g"),
        Sample("twin", "g", {"image": (twin,)}, {"image": (None,)}),
    ]


@pytest.mark.parametrize("memory_gb", [1.0, 0.0])
def test_pixels_are_those_of_the_files(
    samples: list[Sample], tmp_path: Path, memory_gb: float
) -> None:
    batch = _store(samples, tmp_path, memory_gb).collate([1, 0, 2])
    assert batch.pixels.shape == (3, 2, 3, 20, 30)
    assert batch.pixels.dtype == torch.uint8
    assert batch.mask.tolist() == [[True, True], [True, False], [False, False]]
    for place, view, path in ((0, 0, "b"), (0, 1, "c"), (1, 0, "a")):
        expected = read_image(tmp_path / f"{path}.png").transpose(2, 0, 1)
        np.testing.assert_array_equal(batch.pixels[place, view], expected)
    assert batch.pixels[2].max() == 0


def test_boxes_are_shares_and_nan_where_there_is_none(
    samples: list[Sample], tmp_path: Path
) -> None:
    boxes = _store(samples, tmp_path).collate([0, 1, 2]).boxes
    assert boxes is not None
    torch.testing.assert_close(boxes[0, 0], torch.tensor([0.1, 0.25, 0.5, 0.5]))
    torch.testing.assert_close(boxes[1, 1], torch.tensor([0.0, 0.0, 1.0, 1.0]))
    assert boxes[0, 1].isnan().all()
    assert boxes[2].isnan().all()


def test_without_boxes_there_are_none(write_image: Write, tmp_path: Path) -> None:
    store = _store([Sample("s", "g", {"image": (write_image("a.png"),)})], tmp_path)
    assert store.collate([0]).boxes is None


def test_keys_tell_content_size_and_fit_but_not_names(
    samples: list[Sample], tmp_path: Path
) -> None:
    bare = [Sample(one.id, one.group, one.images) for one in samples]
    keys = _store(bare, tmp_path).keys
    assert keys[0] == keys[3]
    assert len(set(keys)) == 3
    changes: list[dict[str, Any]] = [{"height": 21}, {"fit": "stretch"}]
    for changed in changes:
        assert _store(bare, tmp_path, **changed).keys[0] != keys[0]
    assert _store(samples, tmp_path).keys[0] != keys[0]  # a box is part of what an encoder sees


def test_duplicates_are_told(samples: list[Sample], tmp_path: Path) -> None:
    assert _store(samples, tmp_path).duplicates == [("one", "twin")]


def test_a_later_store_decodes_nothing(tmp_path: Path) -> None:
    squares = [Square(value) for value in (1, 2, 2)]
    samples = [Sample(f"s{place}", "g", {"image": (one,)}) for place, one in enumerate(squares)]
    told: list[tuple[int, int]] = []
    folder = tmp_path / "cache"
    first = ImageStore(
        samples, SPEC, folder=folder, memory_gb=1, progress=lambda *a: told.append(a)
    )
    second = _store(samples, tmp_path)
    assert sum(one.drawn for one in squares) == 2  # equal keys are drawn once
    assert told[-1] == (2, 2)
    assert torch.equal(first.collate([0, 1, 2]).pixels, second.collate([0, 1, 2]).pixels)
    assert first.keys == second.keys


@pytest.mark.parametrize("damage", ["torn map", "torn facts", "no map"])
def test_a_damaged_map_is_made_anew(samples: list[Sample], tmp_path: Path, damage: str) -> None:
    before = _store(samples, tmp_path).collate([0, 1]).pixels
    kind = "json" if damage == "torn facts" else "npy"
    file = next((tmp_path / "cache").glob(f"*.{kind}"))
    if damage == "no map":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-40])
    assert torch.equal(_store(samples, tmp_path).collate([0, 1]).pixels, before)


def test_a_changed_file_is_read_again(
    samples: list[Sample], tmp_path: Path, write_image: Write
) -> None:
    first = _store(samples, tmp_path)
    write_image("a.png", seed=99)
    second = _store(samples, tmp_path)
    assert first.keys[0] != second.keys[0]
    assert first.digest != second.digest
    np.testing.assert_array_equal(
        second.collate([0]).pixels[0, 0], read_image(tmp_path / "a.png").transpose(2, 0, 1)
    )


@pytest.mark.parametrize("memory_gb", [1.0, 0.0])
def test_unreadable_images_are_masked_and_listed(
    samples: list[Sample], tmp_path: Path, memory_gb: float
) -> None:
    (tmp_path / "b.png").write_bytes(b"")
    store = _store(
        [*samples, Sample("lost", "g", {"image": (tmp_path / "lost.png",)})], tmp_path, memory_gb
    )
    assert [one.row for one in store.unreadable] == ["two", "lost"]
    assert "zero bytes" in store.unreadable[0].reason
    assert store.collate([1, 4]).mask.tolist() == [[False, True], [False, False]]
    assert store.absent == 2


def test_old_maps_make_room(tmp_path: Path) -> None:
    size = 20 * 30 * 3
    for value in range(8):
        _store(
            [Sample("s", "g", {"image": (Square(value),)})], tmp_path, memory_gb=1.05 * size / 1e9
        )
    assert 1 <= len(list((tmp_path / "cache").glob("*.npy"))) <= 4
    assert not list((tmp_path / "cache").glob("*.partial"))


def test_other_sizes_are_cut_to_the_frame(tmp_path: Path) -> None:
    Image.new("RGB", (90, 20), "red").save(tmp_path / "wide.png")
    store = _store([Sample("s", "g", {"image": (tmp_path / "wide.png",)})], tmp_path)
    assert store.collate([0]).pixels.shape == (1, 1, 3, 20, 30)
