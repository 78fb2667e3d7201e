"""Where pixels do not fit, the small grey pictures by which copies are found are kept instead."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmx import Sample
from mmx.data import ImageStore, decoded_images, image_store, small_greys
from mmx.spec import ImageSpec

SPEC = ImageSpec(height=100, width=80)
ROOM = 3 * 64 * 64 / 1e9  # for three small pictures, and not for their pixels


def samples(folder: Path, deep: bool) -> list[Sample]:
    found = [Sample("none", "g")]
    for seed in range(3):
        draw = np.random.default_rng(seed)
        grey = draw.integers(0, 65536 if deep else 256, (90, 90))
        picture = Image.fromarray(grey.astype(np.uint16 if deep else np.uint8))
        picture.save(folder / f"{seed}.png")
        found.append(Sample(f"s{seed}", "g", {"image": (folder / f"{seed}.png",)}))
    return found


def opened(rows: list[Sample], folder: Path, memory_gb: float) -> ImageStore:
    spec = SPEC.model_copy(update={"range": (0, 65535)})
    return ImageStore(rows, spec, folder=folder, memory_gb=memory_gb)


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("memory_gb", [0.0, ROOM, 1.0])
def test_small_pictures_are_the_same_whatever_is_kept(
    deep: bool, memory_gb: float, tmp_path: Path
) -> None:
    rows = samples(tmp_path, deep)
    store = opened(rows, tmp_path / "cache", memory_gb)
    assert store.decoded is (memory_gb == 1)
    shown = store.greys([1, 0, 3])
    assert (shown == small_greys(store.pictures([1, 0, 3])[:, 0])).all()
    assert not shown[1].any()
    assert (shown[2] != shown[0]).any()


def test_no_image_is_decoded_for_them_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = samples(tmp_path, deep=False)
    before = opened(rows, tmp_path / "cache", ROOM).greys([1, 2, 3])
    for module in (decoded_images, image_store):
        monkeypatch.setattr(module, "decode", None)  # nothing can be decoded any more
    assert (opened(rows, tmp_path / "cache", ROOM).greys([1, 2, 3]) == before).all()


def test_a_damaged_small_picture_is_made_again(tmp_path: Path) -> None:
    rows = samples(tmp_path, deep=False)
    before = opened(rows, tmp_path / "cache", ROOM).greys([1, 2, 3])
    (kept,) = (tmp_path / "cache").glob("*.npy")
    content = bytearray(kept.read_bytes())
    content[-1] ^= 4
    kept.write_bytes(content)
    assert (opened(rows, tmp_path / "cache", ROOM).greys([1, 2, 3]) == before).all()
