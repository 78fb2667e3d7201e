"""Scaling and cutting the middle out, and where it lies in the picture."""

import numpy as np
import pytest
from PIL import Image

from mmx.data.middle_cut import cut_middle, middle_window, scaled_size
from mmx.interfaces import ImageFrame


@pytest.mark.parametrize(
    ("size", "resize", "expected"),
    [
        ((100, 50), 20, (40, 20)),
        ((50, 99), 20, (20, 39)),  # 39.6 is rounded down
        ((50, 99), (30, 20), (20, 30)),
        ((20, 20), 20, (20, 20)),
    ],
)
def test_the_shorter_side_or_both_are_scaled(
    size: tuple[int, int], resize: int | tuple[int, int], expected: tuple[int, int]
) -> None:
    assert scaled_size(*size, resize) == expected


def test_the_middle_is_cut_out_with_its_corner_rounded_down() -> None:
    pixels = np.arange(7 * 8, dtype=np.uint8).reshape(7, 8)
    image = Image.fromarray(np.repeat(pixels[..., None], 3, axis=2))
    shown = cut_middle(image, ImageFrame(4, 3, 7))
    assert np.array_equal(shown[..., 0], pixels[1:5, 2:5])


def test_what_is_shown_is_told_in_pixels_of_the_picture() -> None:
    left, top, right, bottom = middle_window(200, 100, ImageFrame(40, 40, 50))
    assert (left, top, right, bottom) == (60, 10, 140, 90)


@pytest.mark.parametrize("name", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_each_interpolation_is_pillow_s(name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
    image = Image.fromarray(noise)
    expected = image.resize((6, 5), getattr(Image.Resampling, name.upper()))
    frame = ImageFrame(5, 6, (5, 6), name)  # type: ignore[arg-type]
    assert np.array_equal(cut_middle(image, frame), np.asarray(expected))
