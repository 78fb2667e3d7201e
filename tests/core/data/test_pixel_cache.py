"""Decoded pixels are those that were written, or are decoded again; nothing else is touched."""

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from mmx import Sample
from mmx.data import ImageStore
from mmx.errors import DataError
from mmx.spec import ImageSpec

Write = Callable[..., Path]
SPEC = ImageSpec(height=20, width=30)


def store(samples: list[Sample], folder: Path, memory_gb: float = 1.0) -> ImageStore:
    return ImageStore(samples, SPEC, folder=folder, memory_gb=memory_gb)


def named(*files: Path) -> list[Sample]:
    return [
        Sample(f"s{place}", f"g{place}", {"image": (file,)}) for place, file in enumerate(files)
    ]


@pytest.fixture
def samples(write_image: Write) -> list[Sample]:
    return named(*(write_image(f"{seed}.png", seed=seed) for seed in range(3)))


def test_flipped_pixels_are_decoded_again_and_told(
    samples: list[Sample], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = tmp_path / "cache"
    before = store(samples, cache).collate([0, 1, 2]).pixels
    kept = next(cache.glob("*.npy"))
    content = bytearray(kept.read_bytes())
    content[-1] ^= 4  # in the last picture
    kept.write_bytes(content)
    second = store(samples, cache)
    for _ in range(2):
        assert torch.equal(second.collate([2, 0]).pixels, before[[2, 0]])
    assert "damaged" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert torch.equal(store(samples, cache).collate([0, 1, 2]).pixels, before)
    assert not caplog.text  # it was made anew


@pytest.mark.parametrize("part", ["npy", "json"])
def test_every_flipped_bit_is_noticed_or_without_effect(
    samples: list[Sample], tmp_path: Path, part: str
) -> None:
    cache, random = tmp_path / "cache", np.random.default_rng(0)
    before = store(samples, cache)
    pixels, sizes = before.collate([0, 1, 2]).pixels, before.sizes([0, 1, 2])
    for _ in range(40):
        file = next(cache.glob(f"*.{part}"))
        content = bytearray(file.read_bytes())
        content[random.integers(len(content))] ^= 1 << random.integers(8)
        file.write_bytes(content)
        found = store(samples, cache)
        assert torch.equal(found.collate([0, 1, 2]).pixels, pixels)
        assert np.array_equal(found.sizes([0, 1, 2]), sizes)
        store(samples, cache)  # makes the map again where that was needed


def test_a_map_that_was_exchanged_is_noticed(tmp_path: Path, write_image: Write) -> None:
    cache = tmp_path / "cache"
    one, two = (named(write_image(f"{seed}.png", seed=seed)) for seed in (1, 2))
    before = store(one, cache).collate([0]).pixels
    first = next(cache.glob("*.npy"))
    store(two, cache)
    second = next(file for file in cache.glob("*.npy") if file != first)
    first.write_bytes(second.read_bytes())
    assert torch.equal(store(one, cache).collate([0]).pixels, before)


def test_a_fault_speaks_of_the_file_that_is_named_now(tmp_path: Path, write_image: Write) -> None:
    cache = tmp_path / "cache"
    old = store(named(tmp_path / "old" / "a.png"), cache)
    assert "old" in old.unreadable[0].reason
    new = store(named(tmp_path / "new" / "a.png"), cache)
    assert "new" in new.unreadable[0].reason
    assert "old" not in new.unreadable[0].reason
    broken = [tmp_path / f"{name}.png" for name in "xy"]
    for file in broken:
        file.write_bytes(b"\x89PNG no more")
    reasons = [one.reason for one in store(named(*broken), cache).unreadable]
    assert ["x.png" in reasons[0], "y.png" in reasons[1]] == [True, True]
    again = [one.reason for one in store(named(broken[1]), cache).unreadable]
    assert "y.png" in again[0]
    for kept in cache.glob("*.json"):
        assert b".png" not in kept.read_bytes()


def test_a_file_that_is_mended_is_read(tmp_path: Path, write_image: Write) -> None:
    cache, file = tmp_path / "cache", tmp_path / "late.png"
    assert store(named(file), cache).absent == 1
    write_image("late.png", seed=1)
    assert store(named(file), cache).absent == 0


def test_only_own_maps_in_an_own_folder_are_deleted(tmp_path: Path, write_image: Write) -> None:
    cache = tmp_path / "cache"
    mine, room = cache / "segmentations.npy", 2 * 20 * 30 * 3 / 1e9  # of two pictures
    for seed in range(12):
        store(named(write_image(f"{seed}.png", seed=seed)), cache, room)
        mine.write_bytes(bytes(5000))
        os.utime(mine, (1, 1))
    assert mine.exists()
    assert 1 <= len(list(cache.glob("*.npy"))) - 1 <= 8
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / f"{32 * 'a'}.npy").write_bytes(bytes(5000))
    with pytest.raises(DataError, match="not mmx's"):
        store(named(write_image("0.png", seed=0)), theirs, room)
    assert len(list(theirs.iterdir())) == 1


class Slow:
    """A picture that counts, and ends the process of decoding where it is told to."""

    drawn: list[int] = []

    def __init__(self, value: int, last: int = 1000) -> None:
        self.value, self.last = value, last
        self.key = f"slow-{value}"

    def pixels(self) -> np.ndarray:
        if self.value > self.last:
            raise KeyboardInterrupt
        Slow.drawn.append(self.value)
        return np.full((20, 30, 3), self.value, dtype=np.uint8)


def test_what_was_decoded_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    Slow.drawn.clear()
    cache = tmp_path / "cache"
    with pytest.raises(KeyboardInterrupt):
        store(
            [Sample(f"s{v}", f"g{v}", {"image": (Slow(v, last=130),)}) for v in range(200)], cache
        )
    assert not list(cache.glob("[0-9a-f]*[0-9a-f].npy"))
    Slow.drawn.clear()
    found = store([Sample(f"s{v}", f"g{v}", {"image": (Slow(v),)}) for v in range(200)], cache)
    assert sorted(Slow.drawn) == list(range(128, 200))  # blocks of 64 are noted
    pixels = found.collate(list(range(200))).pixels
    assert pixels[:, 0, 0, 0, 0].tolist() == list(range(200))
    assert not list(cache.glob("*.part.*"))


def test_two_processes_with_the_same_pictures_decode_each_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Slow.drawn.clear()
    begun, go = threading.Event(), threading.Event()

    class First(Slow):
        def pixels(self) -> np.ndarray:
            begun.set()
            assert go.wait(30)
            return super().pixels()

    def several(kind: type[Slow]) -> list[Sample]:
        return [Sample(f"s{v}", f"g{v}", {"image": (kind(v),)}) for v in range(8)]

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(store, several(First), tmp_path / "cache")
        assert begun.wait(30)
        other = pool.submit(store, several(Slow), tmp_path / "cache")
        while "waiting for process" not in caplog.text:
            assert not other.done()
            time.sleep(0.01)
        go.set()
        found = [each.result().collate([7]).pixels for each in (one, other)]
    assert sorted(Slow.drawn) == list(range(8))
    assert torch.equal(*found)


def test_old_parts_are_swept(tmp_path: Path, write_image: Write) -> None:
    cache = tmp_path / "cache"
    store(named(write_image("a.png", seed=0)), cache)
    old, young = (cache / f"{32 * letter}.part.npy" for letter in "ab")
    for file in (old, young):
        file.write_bytes(b"1")
    yesterday = time.time() - 2 * 24 * 3600
    os.utime(old, (yesterday, yesterday))
    store(named(write_image("b.png", seed=1)), cache)
    assert (old.exists(), young.exists()) == (False, True)
