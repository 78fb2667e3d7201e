"""Every kind of image file has a stated behaviour."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmx import DataError, read_image
from mmx.data.images import Frame, box_shares, open_upright, resized
from mmx.interfaces import ImageRequest

Write = Callable[..., Path]


@pytest.fixture
def pixels() -> np.ndarray:
    smooth = np.linspace(0, 255, 40 * 60 * 3).reshape(40, 60, 3)
    return smooth.astype(np.uint8)


def test_colour_is_read_as_it_is(tmp_path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels)


def test_grey_is_repeated_in_three_channels(tmp_path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels[..., 0]).save(tmp_path / "a.png")
    expected = np.repeat(pixels[..., :1], 3, axis=2)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), expected)


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), (200, 40, 40)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg")[8, 8], (200, 40, 40), atol=4)


def test_sixteen_bits_are_scaled_by_the_whole_range(tmp_path: Path) -> None:
    values = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    for name in ("a.png", "a.tif"):
        Image.fromarray(values).save(tmp_path / name)
        assert read_image(tmp_path / name)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_floating_point_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), dtype=np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match="unknown range"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(tmp_path: Path, pixels: np.ndarray, orientation: int) -> None:
    undo = {1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1]}
    undo |= {4: lambda a: a[::-1], 5: lambda a: a.swapaxes(0, 1)}
    undo |= {6: lambda a: np.rot90(a, -1), 8: np.rot90}
    undo |= {7: lambda a: a[::-1, ::-1].swapaxes(0, 1)}  # a mirror about the other diagonal
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), undo[orientation](pixels))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_turn_with_their_image(tmp_path: Path, orientation: int) -> None:
    stored = np.zeros((40, 60, 3), dtype=np.uint8)
    stored[4:20, 10:40] = 255  # the box 10, 4, 40, 20
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    upright = read_image(tmp_path / "a.png")
    rows, columns = np.nonzero(upright[..., 0])
    height, width = upright.shape[:2]
    seen = columns.min() / width, rows.min() / height
    seen += (columns.max() + 1) / width, (rows.max() + 1) / height
    told = box_shares((10, 4, 40, 20), Frame(60, 40, orientation), 32, 32, "stretch")
    np.testing.assert_allclose(told, seen)


def test_animation_gives_the_first_frame(tmp_path: Path) -> None:
    red, blue = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    red.save(tmp_path / "a.gif", save_all=True, append_images=[blue])
    assert read_image(tmp_path / "a.gif")[0, 0].tolist() == [255, 0, 0]


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putpixel((0, 0), 1)
    palette.save(tmp_path / "palette.png", transparency=1)
    Image.new("RGBA", (4, 4), (0, 0, 0, 128)).save(tmp_path / "alpha.png")
    shown = read_image(tmp_path / "palette.png")
    assert (shown[0, 0].tolist(), shown[1, 1].tolist()) == ([255, 255, 255], [255, 0, 0])
    np.testing.assert_allclose(read_image(tmp_path / "alpha.png")[0, 0], 127, atol=1)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif"])
def test_a_truncated_file_is_refused(tmp_path: Path, write_image: Write, name: str) -> None:
    whole = write_image(name, width=80, height=80).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="not a readable image"):
        read_image(tmp_path / name)


def test_zero_bytes_no_image_and_no_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "words.png").write_bytes(b"these are words")
    for name, words in (
        ("empty", "zero bytes"),
        ("words", "not a readable"),
        ("none", "cannot be read"),
    ):
        with pytest.raises(DataError, match=words):
            read_image(tmp_path / f"{name}.png")


def _claims(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, with next to no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("side", [7100, 60000])  # above our limit; far above Pillow's as well
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    (tmp_path / "bomb.png").write_bytes(_claims(side, side))
    with pytest.raises(DataError, match="pixel"):
        read_image(tmp_path / "bomb.png")


def test_the_pixel_limit_is_the_last_size_that_is_read(write_image: Write) -> None:
    path = write_image("a.png", width=10, height=10)
    assert read_image(path, pixel_limit=100).shape == (10, 10, 3)
    with pytest.raises(DataError, match="pixel_limit = 99"):
        read_image(path, pixel_limit=99)


def test_postscript_is_never_interpreted(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.eps")
    with pytest.raises(DataError, match="not a readable image"):
        read_image(tmp_path / "a.eps")


def test_cover_cuts_both_sides_alike_and_stretch_shows_all() -> None:
    wide = np.zeros((10, 30, 3), dtype=np.uint8)
    wide[:, 10:20] = 255
    image, frame = Image.fromarray(wide), Frame(30, 10)
    assert resized(image, frame, 10, 10, "cover").min() == 255
    assert resized(image, frame, 5, 15, "stretch")[:, :3].max() == 0


def test_boxes_are_shares_of_what_is_shown() -> None:
    frame = Frame(30, 10)
    assert box_shares((10, 0, 20, 10), frame, 10, 10, "cover") == (0, 0, 1, 1)
    assert box_shares((15, 5, 30, 10), frame, 10, 10, "cover") == (0.5, 0.5, 1, 1)
    assert box_shares((15, 5, 30, 10), frame, 10, 10, "stretch") == (0.5, 0.5, 1, 1)
    assert np.isnan(box_shares((0, 0, 5, 10), frame, 10, 10, "cover")).all()


def test_fast_decoding_of_a_jpeg_cannot_be_seen() -> None:
    y, x = np.mgrid[:600, :800] / 40
    colour = np.stack([np.sin(x), np.cos(y), np.sin(x + y)], axis=2) * 100 + 128
    buffer = io.BytesIO()
    Image.fromarray(colour.astype(np.uint8)).save(buffer, "JPEG", quality=92)
    (whole,), frame = open_upright(buffer.getvalue(), ImageRequest("a", 10**7), None)
    request = ImageRequest("a", 10**7)
    (fast,), _ = open_upright(buffer.getvalue(), request, None, at_least=(200, 150))
    assert fast.size < whole.size  # it really was decoded small
    first, second = (resized(one, frame, 75, 100, "cover").astype(int) for one in (whole, fast))
    assert np.abs(first - second).mean() < 1.0
