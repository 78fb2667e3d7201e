"""Files of more than 8 bits keep their grey: 10, 12, 14, 16 and 32 bits, floats, PNG and TIFF."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmx import DataError, appearance_of, read_image
from mmx.data.grey_range import measured_range
from mmx.data.images import PIXEL_LIMIT
from mmx.interfaces import ImageRequest
from mmx.spec import ImageSpec

ASKED = ImageRequest("", PIXEL_LIMIT)


def write(folder: Path, name: str, values: Any, dtype: Any) -> Path:
    file = folder / name
    Image.fromarray(np.asarray(values, dtype=dtype)).save(file)
    return file


@pytest.mark.parametrize(
    ("ending", "dtype", "values", "expected"),
    [
        ("png", np.uint16, [[0, 255]], (0, 255)),
        ("png", np.uint16, [[3, 1000]], (0, 1023)),
        ("png", np.uint16, [[800, 3300]], (0, 4095)),
        ("tif", np.uint16, [[0, 16_000]], (0, 16_383)),
        ("tif", np.uint16, [[0, 60_000]], (0, 65_535)),
        ("tif", np.int32, [[0, 4_000]], (0, 4_095)),
        ("tif", np.int32, [[-1_000, 3_000]], (-1_000, 3_000)),
        ("tif", np.int32, [[0, 1_000_000]], (0, 1_000_000)),
        ("tif", np.float32, [[0.1, 0.9]], (0, 1)),
        ("tif", np.float32, [[-2.5, 7.5]], (-2.5, 7.5)),
    ],
)
def test_the_range_is_that_of_the_bits_in_use(
    tmp_path: Path, ending: str, dtype: Any, values: Any, expected: tuple[float, float]
) -> None:
    file = write(tmp_path, f"a.{ending}", values, dtype)
    found = measured_range([file], ASKED)
    assert found == (expected, 1)
    low, high = expected
    shown = read_image(file, grey_range=expected)[..., 0].astype(float)
    wanted = (np.asarray(values, dtype=float) - low) / (high - low) * 255
    np.testing.assert_allclose(shown, wanted, atol=0.51)


def test_the_range_is_of_all_pictures_together_and_of_deep_ones_alone(tmp_path: Path) -> None:
    dark = write(tmp_path, "a.png", [[0, 90]], np.uint16)
    bright = write(tmp_path, "b.png", [[0, 3_000]], np.uint16)
    plain = write(tmp_path, "c.png", [[0, 200]], np.uint8)
    damaged = tmp_path / "d.tif"
    damaged.write_bytes(b"II*\0 nothing")
    assert measured_range([dark, bright, plain, damaged], ASKED) == (
        (0, 4_095),
        2,
    )
    assert measured_range([plain, damaged, tmp_path / "none.png"], ASKED) is None
    np.testing.assert_array_equal(read_image(plain, grey_range=(0, 4_095))[0, :, 0], [0, 200])


def test_what_lies_outside_is_cut_and_no_number_is_black(tmp_path: Path) -> None:
    file = write(tmp_path, "a.tif", [[-5.0, np.nan, 5.0, 99.0]], np.float32)
    np.testing.assert_array_equal(read_image(file, grey_range=(0, 10))[0, :, 0], [0, 0, 128, 255])
    with pytest.raises(DataError, match=r"state it: data.image.range: \[low, high\]"):
        read_image(file)


def test_words_of_a_dark_file_speak_of_its_own_bits(tmp_path: Path) -> None:
    values = np.full((32, 32), 3_900)
    values[8:24, 8:24] = 2_500
    words = appearance_of(write(tmp_path, "a.png", values, np.uint16)).words
    assert words.startswith("bright")


@pytest.mark.parametrize(
    ("given", "words"), [("window", "dicom"), ((5, 5), "upwards"), ((9, 1), "upwards")]
)
def test_a_range_that_cannot_be_is_refused(given: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ImageSpec(range=given)
