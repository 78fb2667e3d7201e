"""Near copies: hashes and correlations that survive changes, all pairs found, no false alarm."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mmx.audit import Finding, alignment, copies, hash_parts, hashes
from mmx.audit.alignment import VIEWS, correlation, structure, view
from mmx.audit.checks import near_identical_images
from mmx.audit.hash_parts import near_pairs
from mmx.audit.hashes import (
    calibrated,
    close_above,
    close_pairs,
    distances,
    of_shifts,
    of_views,
    perceptual,
    structured,
)
from mmx.data import small_greys

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


def moved(pixels: Pixels) -> Pixels:
    """A twentieth down and to the right, black where nothing is."""
    shown = np.zeros_like(pixels)
    shown[3:, 3:] = pixels[:-3, :-3]
    return shown


def mirrored(pixels: Pixels) -> Pixels:
    return pixels[:, ::-1]


def turned(pixels: Pixels) -> Pixels:
    return np.rot90(pixels)


SMALL = {"brighter": brighter, "compressed": compressed, "resized": resized}
CHANGES = {**SMALL, "moved": moved, "mirrored": mirrored, "turned": turned}


@pytest.mark.parametrize("change", SMALL)
def test_a_small_change_leaves_most_bits(change: str) -> None:
    scenes = np.stack([scene(seed) for seed in range(40)])
    changed = np.stack([SMALL[change](one) for one in scenes])
    left, right = (perceptual(small_greys(pictures)) for pictures in (scenes, changed))
    assert np.median(distances(left, right)) <= 4
    others = distances(left, np.roll(right, 1))
    assert others.min() > 12


def test_a_picture_of_one_colour_has_no_hash() -> None:
    flat = np.full((1, 64, 64, 3), 90, dtype=np.uint8)
    assert not structured(small_greys(flat)).any()


def test_the_hash_of_a_view_is_that_of_the_turned_picture() -> None:
    small = small_greys(np.stack([scene(seed) for seed in range(20)]))
    for number, made in enumerate(of_views(small)):
        assert (made == perceptual(view(small, number))).all(), VIEWS[number]


def test_a_window_of_a_moved_picture_is_the_middle_of_the_first() -> None:
    small = np.random.default_rng(0).normal(128, 40, (10, 64, 64)).astype(np.float32)
    down = np.roll(small, 3, axis=1)
    assert (of_shifts(down) == perceptual(small)).any(axis=0).all()


def test_the_correlation_is_the_largest_of_all_places() -> None:
    draw = np.random.default_rng(0)
    left = draw.normal(size=(4, 64, 64)).astype(np.float32)
    right = np.roll(left, (3, -2), axis=(1, 2)) + 0.3 * draw.normal(size=left.shape)
    right = right.astype(np.float32)
    for one, other, found in zip(left, right, correlation(left, right), strict=True):
        middle = one[6:-6, 6:-6].ravel()
        every = [np.corrcoef(middle, other[y : y + 52, x : x + 52].ravel())[0, 1]
                 for y in range(13) for x in range(13)]  # fmt: skip
        assert found == pytest.approx(max(every), abs=1e-5)


def test_brightness_is_no_structure() -> None:
    small = small_greys(np.stack([scene(seed) for seed in range(5)])).astype(np.float32)
    np.testing.assert_allclose(structure(small), structure(small + 30), atol=1e-4)


@pytest.mark.parametrize("distance", [0, 3, 10])
def test_all_close_pairs_are_found(distance: int) -> None:
    draw = np.random.default_rng(0)
    left = draw.integers(0, 2**63, 300, dtype=np.uint64)
    right = np.concatenate([left[::3] ^ np.uint64(0b101), draw.integers(0, 2**63, 200, np.uint64)])
    bits = np.array([[(int(a) ^ int(b)).bit_count() for b in right] for a in left])
    expected = np.argwhere(bits <= distance)
    assert close_pairs(left, right, distance).tolist() == expected.tolist()


def test_pairs_above_are_those_of_the_upper_triangle() -> None:
    draw = np.random.default_rng(1)
    made = draw.integers(0, 2**63, 500, dtype=np.uint64)
    made[250:] = made[:250] ^ np.uint64(1)
    both = close_pairs(made, made, 12)
    expected = both[both[:, 0] < both[:, 1]]
    found = close_above(made, made, 12)
    assert sorted(found.tolist()) == sorted(expected.tolist())


@pytest.mark.parametrize("distance", [0, 1, 4, 6, 7, 10])
def test_pairs_by_parts_are_all_pairs(distance: int) -> None:
    draw = np.random.default_rng(2)
    left = draw.integers(0, 2**12, 400, dtype=np.uint64)  # most bits alike: long buckets
    right = left ^ np.bitwise_or.reduce(
        np.uint64(1) << draw.integers(0, 64, (distance + 1, 400), dtype=np.uint64)
    )
    found = near_pairs(left, right, distance)
    assert found.tolist() == close_pairs(left, right, distance).tolist()
    assert len(found) > 0


def test_long_buckets_are_compared_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_parts, "_AT_ONCE", 7)
    same = np.zeros(20, dtype=np.uint64)
    assert len(near_pairs(same, same, 2)) == 400


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


@pytest.mark.parametrize(("change", "copies"), [("turned", 1), *((name, 10) for name in CHANGES)])
def test_planted_copies_are_found_and_nothing_else(
    rows: Any, ask: Ask, change: str, copies: int
) -> None:
    subject, planted = with_pictures(rows, copies, CHANGES[change])
    found = ask("near_identical_images", subject)
    assert {one.verdict for one in found} == {"warning"}
    (across,) = [one for one in found if "two parts" in one.message]
    pairs = [set(line) for one in found for line in one.pictures]
    assert all(pair in planted for pair in pairs)
    assert len(across.pictures) >= 0.8 * copies


def test_copies_among_very_many_rows_are_found_in_the_same_way(
    rows: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Very many hashes are compared by their parts; here so few are very many."""
    subject, _ = with_pictures(rows, 10, CHANGES["mirrored"])
    few = ask("near_identical_images", subject)
    monkeypatch.setattr(hashes, "_MANY", 10)
    assert ask("near_identical_images", subject) == few
    assert few


def test_copies_in_many_pieces_are_found_in_the_same_way(
    rows: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures, hashes and pairs are looked at in pieces; here each piece is small."""
    subject, _ = with_pictures(rows, 10, CHANGES["turned"])
    whole = ask("near_identical_images", subject)
    for place, name, size in (
        (near_identical_images, "_BATCH", 70), (hashes, "_CHUNK", 40), (hashes, "_BLOCK", 7),
        (copies, "_BATCH", 9), (alignment, "_CHUNK", 4),
    ):  # fmt: skip
        monkeypatch.setattr(place, name, size)
    assert ask("near_identical_images", subject) == whole
    assert whole


def test_moved_copies_among_very_many_pictures_are_said_not_to_be_looked_for(
    rows: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    turned_ones, planted = with_pictures(rows, 10, CHANGES["turned"])
    moved_ones, _ = with_pictures(rows, 10, CHANGES["moved"])
    monkeypatch.setattr(copies, "MOST_MOVED", 299)
    found = ask("near_identical_images", turned_ones)
    assert all("moved copies are not looked for" in one.message for one in found)
    assert {frozenset(pair) for one in found for pair in one.pictures} == {*map(frozenset, planted)}
    assert len(ask("near_identical_images", moved_ones)) == 0


def test_equal_pictures_do_not_count_among_very_many(
    rows: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 rows of 200 different pictures: moved copies are looked for, and not said not to be."""
    subject, _ = with_pictures(rows, 10, CHANGES["moved"])
    assert subject.pictures is not None
    shown = subject.pictures(np.arange(300))
    shown[200:] = shown[199]
    monkeypatch.setattr(copies, "MOST_MOVED", 250)
    found = ask("near_identical_images", replace(subject, pictures=lambda at: shown[at]))
    assert found
    assert not any("not looked for" in one.message for one in found)


def test_cropped_copies_are_found_less_surely(rows: Any, ask: Ask) -> None:
    """One pixel of 64 cut off on each side moves many bits: docs/audit.md says so."""
    subject, planted = with_pictures(rows, 10, cropped)
    found = ask("near_identical_images", subject)
    lines = {line for one in found for line in one.pictures}
    assert len(lines) >= 3
    assert all(set(line) in planted for line in lines)


def test_different_pictures_raise_nothing(rows: Any, ask: Ask) -> None:
    subject, _ = with_pictures(rows, 0, brighter)
    assert ask("near_identical_images", subject) == []


def test_no_picture_and_pictures_without_structure_raise_nothing(rows: Any, ask: Ask) -> None:
    subject, _ = with_pictures(rows, 0, brighter)
    assert ask("near_identical_images", replace(subject, has_picture=np.zeros(300, bool))) == []
    black = np.zeros((300, 64, 64, 3), dtype=np.uint8)
    assert ask("near_identical_images", replace(subject, pictures=lambda at: black[at])) == []


def test_copies_within_a_part_are_told_where_their_labels_differ(rows: Any, ask: Ask) -> None:
    subject, _ = with_pictures(rows, 5, compressed)
    subject = replace(subject, parts=np.full(300, "train"), labels=np.zeros(300, dtype=np.int64))
    assert ask("near_identical_images", subject) == []
    torn = replace(subject, labels=np.arange(300) % 3)
    (found,) = ask("near_identical_images", torn)
    assert "two labels" in found.message


def test_many_rows_with_one_picture_count_once(rows: Any, ask: Ask) -> None:
    """4,000 rows that share a placeholder: one pair is told, and no square of them is held."""
    n = 4000
    subject = replace(rows, n=n).subject()
    one = scene(0)
    shared = replace(
        subject,
        has_picture=np.ones(n, dtype=bool),
        pictures=lambda at: np.broadcast_to(one, (len(at), *one.shape)),
    )
    found = ask("near_identical_images", shared)
    assert all(len(finding.evidence) <= 2 for finding in found)
    assert len(found) == 2  # in two parts, and with two labels
    known = replace(shared, duplicates=[tuple(subject.ids.tolist())])
    assert ask("near_identical_images", known) == []  # byte-identical: another check tells them
