"""What is measured in a picture, on pictures whose measures are known."""

import numpy as np
import pytest

from mmx.data.appearance import COLOURS, SIDE, dark_region, measure, otsu


def disc(colour: tuple[int, int, int], radius: float = 20, *, squeeze: float = 1.0) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    pixels = np.full((SIDE, SIDE, 3), (235, 190, 175), dtype=np.uint8)
    pixels[(x * squeeze) ** 2 + y**2 < radius**2] = colour
    return pixels


def test_a_disc_is_even_smooth_and_as_large_as_it_is() -> None:
    found = measure(disc(COLOURS["dark brown"]))
    assert found.asymmetry < 0.03
    assert found.irregularity == pytest.approx(1, abs=0.1)
    assert found.size == pytest.approx(np.pi * 20**2 / SIDE**2, rel=0.05)
    assert found.words == "dark brown, even halves, a smooth border, medium in size"


@pytest.mark.parametrize("colour", ["red", "dark brown", "black", "blue-grey"])
def test_each_colour_is_named(colour: str) -> None:
    assert measure(disc(COLOURS[colour])).colours == (colour,)


def test_two_colours_are_named_the_commoner_first() -> None:
    pixels = disc(COLOURS["dark brown"])
    left = pixels[:, : SIDE // 2 - 8]
    left[(left == COLOURS["dark brown"]).all(axis=2)] = COLOURS["black"]
    assert measure(pixels).colours == ("dark brown", "black")


def test_half_a_disc_beside_a_bar_is_asymmetric_and_a_star_is_ragged() -> None:
    pixels = disc(COLOURS["black"])
    pixels[: SIDE // 2, : SIDE // 2] = (235, 190, 175)
    assert measure(pixels).asymmetry > 0.2
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    star = np.hypot(x, y) < 16 + 11 * np.sin(8 * np.arctan2(y, x))
    ragged = np.full((SIDE, SIDE, 3), (235, 190, 175), dtype=np.uint8)
    ragged[star] = COLOURS["black"]
    assert measure(ragged).irregularity > 2 * measure(disc(COLOURS["black"])).irregularity


def test_a_mirrored_picture_has_the_same_words() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    blob = disc(COLOURS["red"], squeeze=2.0)
    blob[:30, :30] = pixels[:30, :30] // 4
    assert measure(blob[:, ::-1]).colours == measure(blob).colours
    assert measure(blob[:, ::-1]).size == measure(blob).size


def test_a_flat_picture_is_its_own_region_and_grey_ones_have_a_brightness() -> None:
    flat = np.full((40, 50, 3), 90, dtype=np.uint8)
    assert dark_region(flat.astype(float)).all()
    assert measure(flat).colours == ("grey",)


def test_otsu_separates_two_heaps() -> None:
    values = np.concatenate([np.full(50, 40.0), np.full(80, 200.0)])
    assert 40 < otsu(values) <= 200
