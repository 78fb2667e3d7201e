"""Near copies: hashes that survive small changes, pairs that are all found, and no false alarm."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mmx.audit import Finding
from mmx.audit.hashes import calibrated, close_pairs, close_within, distances, grey, perceptual

Ask = Callable[..., list[Finding]]
Pixels = NDArray[np.uint8]


def scene(seed: int, side: int = 64) -> Pixels:
    """Smooth random blobs: like photographs, most of it is in slow waves."""
    draw = np.random.default_rng(seed)
    small = draw.integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC))


def brighter(pixels: Pixels) -> Pixels:
    return np.clip(pixels.astype(int) + 25, 0, 255).astype(np.uint8)


def compressed(pixels: Pixels) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=30)
    return np.asarray(Image.open(buffer))


def resized(pixels: Pixels) -> Pixels:
    small = Image.fromarray(pixels).resize((40, 40))
    return np.asarray(small.resize(pixels.shape[1::-1]))


def cropped(pixels: Pixels) -> Pixels:
    inner = Image.fromarray(pixels[1:-1, 1:-1])
    return np.asarray(inner.resize(pixels.shape[1::-1]))


CHANGES = {"brighter": brighter, "compressed": compressed, "resized": resized}


@pytest.mark.parametrize("change", CHANGES)
def test_a_small_change_leaves_most_bits(change: str) -> None:
    scenes = np.stack([scene(seed) for seed in range(40)])
    changed = np.stack([CHANGES[change](one) for one in scenes])
    left, right = (perceptual(grey(pictures))[0] for pictures in (scenes, changed))
    assert np.median(distances(left, right)) <= 4
    others = distances(left, np.roll(right, 1))
    assert others.min() > 12


def test_a_picture_of_one_colour_has_no_hash() -> None:
    flat = np.full((1, 64, 64, 3), 90, dtype=np.uint8)
    assert not perceptual(grey(flat))[1].any()


@pytest.mark.parametrize("distance", [0, 3, 10])
def test_all_close_pairs_are_found(distance: int) -> None:
    draw = np.random.default_rng(0)
    left = draw.integers(0, 2**63, 300, dtype=np.uint64)
    right = np.concatenate([left[::3] ^ np.uint64(0b101), draw.integers(0, 2**63, 200, np.uint64)])
    bits = np.array([[(int(a) ^ int(b)).bit_count() for b in right] for a in left])
    expected = np.argwhere(bits <= distance)
    assert close_pairs(left, right, distance).tolist() == expected.tolist()


def test_pairs_within_are_those_of_the_upper_triangle() -> None:
    draw = np.random.default_rng(1)
    made = draw.integers(0, 2**63, 500, dtype=np.uint64)
    made[250:] = made[:250] ^ np.uint64(1)
    both = close_pairs(made, made, 12)
    expected = both[both[:, 0] < both[:, 1]]
    found = close_within(made, 12)
    assert sorted(found.tolist()) == sorted(expected.tolist())


def test_the_distance_is_the_largest_that_chance_rarely_reaches() -> None:
    chance = np.repeat(np.arange(1, 21), 1000)  # 1 in 20 at each distance
    assert calibrated(chance, pairs=100, allowed=12, most=10) == 2
    assert calibrated(chance, pairs=100, allowed=1000, most=10) == 10
    assert calibrated(np.zeros(100, np.int64), pairs=100, allowed=5, most=10) == -1


def with_pictures(rows: Any, copies: int, change: Callable[[Pixels], Pixels]) -> Any:
    """Rows with a scene each; the first test rows get changed training pictures."""
    subject = replace(rows, n=300).subject()
    scenes = np.stack([scene(seed) for seed in range(300)])
    train, test = (np.flatnonzero(subject.parts == part) for part in ("train", "test"))
    for left, right in zip(train[:copies], test[:copies], strict=True):
        scenes[right] = change(scenes[left])
    present = np.ones(300, dtype=bool)
    planted = [{str(subject.ids[left]), str(subject.ids[right])}
               for left, right in zip(train[:copies], test[:copies], strict=True)]  # fmt: skip
    return replace(subject, has_picture=present, pictures=lambda at: scenes[at]), planted


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("copies", [1, 10])
def test_planted_copies_are_found_and_nothing_else(
    rows: Any, ask: Ask, change: str, copies: int
) -> None:
    subject, planted = with_pictures(rows, copies, CHANGES[change])
    (found,) = ask("near_identical_images", subject)
    assert found.verdict == "warning"
    pairs = [set(line) for line in found.pictures]
    assert all(pair in planted for pair in pairs)
    assert len(pairs) >= 0.8 * copies


def test_cropped_copies_are_found_less_surely(rows: Any, ask: Ask) -> None:
    """One pixel of 64 cut off on each side moves many bits: docs/audit.md says so."""
    subject, planted = with_pictures(rows, 10, cropped)
    (found,) = ask("near_identical_images", subject)
    assert 3 <= len(found.pictures) < 10
    assert all(set(line) in planted for line in found.pictures)


def test_different_pictures_raise_nothing(rows: Any, ask: Ask) -> None:
    subject, _ = with_pictures(rows, 0, brighter)
    assert ask("near_identical_images", subject) == []


def test_an_encoder_that_tells_them_apart_is_believed(rows: Any, ask: Ask) -> None:
    subject, _ = with_pictures(rows, 5, brighter)
    apart = np.random.default_rng(0).normal(size=(300, 64))
    assert ask("near_identical_images", replace(subject, features=lambda at: apart[at])) == []


def test_copies_within_a_group_or_part_are_no_matter_of_this_check(rows: Any, ask: Ask) -> None:
    subject, _ = with_pictures(rows, 5, brighter)
    assert ask("near_identical_images", replace(subject, parts=np.full(300, "train"))) == []
