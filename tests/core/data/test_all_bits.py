"""Bits beyond 8 are kept by PPM, clear grey is white, and what loses bits says so."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmx import DataError
from mmx.data import ImageReaders, lost_depths, measured_range
from mmx.data.images import may_be_deep, open_upright
from mmx.data.lost_depth import loses_depth
from mmx.interfaces import ImageRequest
from mmx.pipeline import lost_depth_note

Values = np.ndarray[Any, Any]


def ppm(samples: Values, white: int, *, plain: bool = False) -> bytes:
    """A PPM of such samples [H, W, 3]."""
    head = f"{'P3' if plain else 'P6'}\n# drawn\n{samples.shape[1]} {samples.shape[0]}\n{white}\n"
    if plain:
        body = b" ".join(str(one).encode() for one in samples.ravel().tolist()) + b"\n# end"
    else:
        body = samples.astype(">u2").tobytes()
    return head.encode() + body


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("white", [4095, 65535, 1000])
def test_a_ppm_keeps_all_bits(white: int, plain: bool) -> None:
    samples = np.random.default_rng(0).integers(0, white + 1, (5, 7, 3))
    layers, _ = open_upright(
        ppm(samples, white, plain=plain), ImageRequest("a.ppm", 99), None, deep=True
    )
    seen = np.stack([np.asarray(one) for one in layers], axis=2)
    np.testing.assert_allclose(seen, samples * (65535 / white), rtol=1e-6)
    assert may_be_deep(ppm(samples, white), "a.ppm", ImageReaders())


def test_a_ppm_that_is_cut_short_or_lies_is_refused() -> None:
    samples = np.full((5, 7, 3), 4000)
    for content, words in (
        (ppm(samples, 4095)[:-3], "cut short: 103 of 105 samples"),
        (ppm(samples, 4095, plain=True)[:100], "cut short"),
        (ppm(samples, 3999), "beyond 0 to 3999"),
    ):
        with pytest.raises(DataError, match=words):
            open_upright(content, ImageRequest("a.ppm", 99), None, deep=True)


def test_a_clear_grey_of_sixteen_bits_is_white_and_no_part_of_the_range(tmp_path: Path) -> None:
    grey = np.full((6, 6), 1000, np.uint16)
    grey[:3], grey[0, 0] = 60_000, 2000
    Image.fromarray(grey).save(tmp_path / "a.png", transparency=60_000)
    content = (tmp_path / "a.png").read_bytes()
    (layer,), _ = open_upright(
        content, ImageRequest("a.png", 99), None, grey_range=(0, 4000), deep=True
    )
    seen = np.asarray(layer)
    assert np.unique(seen[:3].ravel()[1:]).tolist() == [65535]
    assert (seen[0, 0], seen[5, 5]) == pytest.approx((65535 / 2, 65535 / 4), abs=1)
    plain = np.asarray(open_upright(content, ImageRequest("a.png", 99), None)[0][0])
    assert plain[1, 1].tolist() == [255, 255, 255]
    assert plain[5, 5].tolist() == [3, 3, 3]
    found = measured_range([tmp_path / "a.png"], ImageRequest("", 99))
    assert found is not None
    assert found[0] == (0, 4095)


def test_a_negative_grey_is_no_clear_one(tmp_path: Path) -> None:
    grey = np.full((4, 4), -1, np.int32)
    Image.fromarray(grey).save(tmp_path / "a.tiff")
    (layer,), _ = open_upright((tmp_path / "a.tiff").read_bytes(), ImageRequest("a", 99), None,
                               grey_range=(-3, 1), deep=True)  # fmt: skip
    assert np.unique(np.asarray(layer)).tolist() == [65535 / 2]


def jpeg2000(pixels: Values, **settings: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG2000", **settings)
    return file.getvalue()


def test_what_only_eight_bits_are_read_of_is_told(tmp_path: Path) -> None:
    colour, grey = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint16)
    eight, bare = jpeg2000(colour), jpeg2000(colour, no_jp2=True)
    avif = io.BytesIO()
    Image.fromarray(colour).save(avif, "AVIF")
    light = avif.getvalue()
    for content in (eight, bare, light, jpeg2000(grey), jpeg2000(grey, no_jp2=True), b"", b"ab"):
        assert not loses_depth(content)
    place = eight.index(b"ihdr") + 4
    twelve = eight[: place + 10] + b"\x0b" + eight[place + 11 :]
    raw = bare[:42] + b"\x0b" + bare[43:]
    depth = light.index(b"av1C") + 6
    ten = light[:depth] + bytes([light[depth] | 0x40]) + light[depth + 1 :]
    for content in (twelve, raw, ten):
        assert loses_depth(content)
    for name, content in (("a.jp2", twelve), ("b.avif", ten), ("c.jp2", eight), ("d.png", ten)):
        (tmp_path / name).write_bytes(content)
    files = sorted(tmp_path.iterdir())
    assert lost_depths(files) == ["a.jp2", "b.avif"]
    (told,) = lost_depth_note(files, " of clinic")
    assert told.startswith("2 of 4 files of clinic, such as a.jp2, have more than 8 bits")
