"""Scaling and cutting the middle out, and where it lies in the picture."""

import numpy as np
import pytest
from PIL import Image

from mmx.data.middle_cut import cut_middle, middle_window, scaled_size
from mmx.interfaces import ImageFrame, Resize


@pytest.mark.parametrize(
    ("size", "resize", "expected"),
    [
        ((100, 50), "contain", (16, 8)),
        ((30, 95), "contain", (4, 12)),
        ((100, 50), "cover", (24, 12)),
        ((30, 95), "cover", (16, 51)),
        ((9000, 3), "contain", (16, 1)),
        ((100, 50), 20, (40, 20)),
        ((50, 99), 20, (20, 39)),  # 39.6 is rounded down
        ((50, 99), (30, 20), (20, 30)),
        ((20, 20), 20, (20, 20)),
    ],
)
def test_the_shorter_side_or_both_are_scaled(
    size: tuple[int, int], resize: Resize, expected: tuple[int, int]
) -> None:
    assert scaled_size(*size, ImageFrame(12, 16, resize)) == expected


def test_the_middle_is_cut_out_with_its_corner_rounded_down() -> None:
    pixels = np.arange(7 * 8, dtype=np.uint8).reshape(7, 8)
    image = Image.fromarray(np.repeat(pixels[..., None], 3, axis=2))
    shown = cut_middle(image, ImageFrame(4, 3, 7))
    assert np.array_equal(shown[..., 0], pixels[1:5, 2:5])


def test_what_is_shown_is_told_in_pixels_of_the_picture() -> None:
    left, top, right, bottom = middle_window(200, 100, ImageFrame(40, 40, 50))
    assert (left, top, right, bottom) == (60, 10, 140, 90)


def test_bars_stand_beside_an_image_that_is_shown_whole() -> None:
    image = Image.new("RGB", (20, 5), (10, 20, 30))
    frame = ImageFrame(9, 10, "contain", fill=7)
    shown = cut_middle(image, frame)
    assert shown.shape == (9, 10, 3)
    assert (shown[3:5] == (10, 20, 30)).all()  # 2 of 9 rows: 3 above, 4 below
    assert (np.delete(shown, (3, 4), axis=0) == 7).all()
    deep = cut_middle(Image.new("F", (20, 5), 65535.0), frame)
    assert sorted(set(deep.flatten().tolist())) == [7 * 257, 65535]
    assert middle_window(20, 5, frame) == (0, -7.5, 20, 15)


@pytest.mark.parametrize("name", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_each_interpolation_is_pillow_s(name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
    image = Image.fromarray(noise)
    expected = image.resize((6, 5), getattr(Image.Resampling, name.upper()))
    frame = ImageFrame(5, 6, (5, 6), name)  # type: ignore[arg-type]
    assert np.array_equal(cut_middle(image, frame), np.asarray(expected))
