"""Sixteen bits of each colour keep their steps, in every kind of file that is read so."""

import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pydicom
import pytest
import torch
from PIL import Image
from pydicom.pixels.utils import pixel_array
from torch.nn.functional import interpolate
from torchvision.io import decode_png

from mmx import DataError, read_image
from mmx.data import ImageReaders, ImageStore, measured_range
from mmx.interfaces import ImageRequest, ImageSource, PackedImage, Sample
from mmx.plugins import Plugins
from mmx.spec import ImageSpec

Values = np.ndarray[Any, Any]
STEP = 1 / 65535
SIDE = 24
RNG = np.random.default_rng(0)
RAMP = (np.arange(3 * SIDE * SIDE) * 37 % 65536).astype(np.uint16).reshape(SIDE, SIDE, 3)
FOUR = RNG.integers(0, 65536, (SIDE, SIDE, 4), dtype=np.uint16)
TWO = RNG.integers(0, 65536, (SIDE, SIDE, 2), dtype=np.uint16)


def png(
    values: Values, kind: int, extra: Sequence[tuple[bytes, bytes]] = (), side: int | None = None
) -> bytes:
    """A PNG of 16 bits: kind 2 is RGB, 4 grey with alpha, 6 RGBA; ``side`` is what it claims."""
    height, width = values.shape[:2] if side is None else (side, side)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">2I5B", width, height, 16, kind, 0, 0, 0)
    chunks = [(b"IHDR", head), *extra, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def tiff(
    values: Values, order: str = "<", packed: bool = False, photo: int = 2, planar: int = 1,
    extra: int | None = None,
) -> bytes:  # fmt: skip
    """A TIFF of 16 bits, as it is or packed by deflate; photo 2 is RGB, 5 CMYK."""
    height, width, bands = values.shape
    planes = [values] if planar == 1 else np.split(values, bands, axis=2)
    strips = [plane.astype(f"{order}u2").tobytes() for plane in planes]
    strips = [zlib.compress(strip) for strip in strips] if packed else strips
    tags: dict[int, list[int]] = {
        256: [width], 257: [height], 258: [16] * bands, 259: [8 if packed else 1], 262: [photo],
        273: [0] * len(strips), 277: [bands], 278: [height], 279: [len(one) for one in strips],
        284: [planar], **({} if extra is None else {338: [extra]}),
    }  # fmt: skip
    place = 8 + 2 + 12 * len(tags) + 4 + sum(4 * len(one) for one in tags.values() if len(one) > 1)
    for number, strip in enumerate(strips):
        tags[273][number] = place
        place += len(strip)
    entries, blob, at = b"", b"", 8 + 2 + 12 * len(tags) + 4
    for tag in sorted(tags):
        held = struct.pack(f"{order}{len(tags[tag])}I", *tags[tag])
        entries += struct.pack(f"{order}2HI", tag, 4, len(tags[tag]))
        if len(held) > 4:
            entries += struct.pack(f"{order}I", at + len(blob))
            blob += held
        else:
            entries += held
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(f"{order}IH", 8, len(tags))
    return head + entries + bytes(4) + blob + b"".join(strips)


def over_white(values: Values, multiplied: bool = False) -> Values:
    alpha = values[..., -1:] / 65535
    colours = values[..., :-1] * (1.0 if multiplied else alpha) + 65535 * (1 - alpha)
    return np.broadcast_to(np.minimum(colours, 65535), (SIDE, SIDE, 3))


def of_inks(values: Values) -> Values:
    return (65535.0 - values[..., :3]) * (1 - values[..., 3:] / 65535)


CLEARED = RAMP[3, 5]
CLEAR = np.where((CLEARED == RAMP).all(axis=2, keepdims=True), 65535, RAMP)
FILES: dict[str, tuple[bytes, Values]] = {
    "rgb.png": (png(RAMP, 2), RAMP),
    "one colour is clear.png": (png(RAMP, 2, [(b"tRNS", CLEARED.astype(">u2").tobytes())]), CLEAR),
    "rgba.png": (png(FOUR, 6), over_white(FOUR)),
    "grey with alpha.png": (png(TWO, 4), over_white(TWO)),
    **{
        f"rgb {order}{packed}.tif": (tiff(RAMP, order, packed), RAMP)
        for order in "<>"
        for packed in (False, True)
    },
    "rgba.tif": (tiff(FOUR, extra=2), over_white(FOUR)),
    "rgba packed.tif": (tiff(FOUR, ">", True, extra=2), over_white(FOUR)),
    "multiplied.tif": (tiff(FOUR, packed=True, extra=1), over_white(FOUR, multiplied=True)),
    "rgbx.tif": (tiff(FOUR, extra=0), FOUR[..., :3]),
    "cmyk.tif": (tiff(FOUR, photo=5), of_inks(FOUR)),
}  # fmt: skip


def store_of(
    folder: Path, images: Sequence[ImageSource], side: int = SIDE, memory_gb: float = 1.0,
    **said: Any,
) -> ImageStore:  # fmt: skip
    samples = [
        Sample(str(number), str(number), images={"image": (one,)})
        for number, one in enumerate(images)
    ]
    spec = ImageSpec(height=side, width=side, **said)
    kept = folder / "kept"
    return ImageStore(samples, spec, folder=kept, memory_gb=memory_gb, readers=ImageReaders())


def colours(store: ImageStore, row: int = 0) -> Values:
    """[H, W, 3] in [0, 1], as a model gets them."""
    pixels = store.collate([row]).pixels
    assert pixels.dtype == torch.float32
    return pixels[0, 0].double().permute(1, 2, 0).numpy()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("memory_gb", [1.0, 0.0])
def test_every_step_of_every_colour_is_kept(tmp_path: Path, name: str, memory_gb: float) -> None:
    content, wanted = FILES[name]
    (tmp_path / name).write_bytes(content)
    store = store_of(tmp_path, [tmp_path / name], memory_gb=memory_gb)
    assert np.abs(colours(store) - wanted / 65535).max() <= 0.51 * STEP  # it was 1/256
    eyes = read_image(tmp_path / name)
    assert eyes.dtype == np.uint8
    assert np.abs(eyes - wanted / 257).max() <= 0.51
    assert np.array_equal(store.pictures([0])[0, 0], eyes)


@pytest.mark.filterwarnings("ignore:The image decoding and encoding:DeprecationWarning")
def test_a_png_is_what_another_decoder_reads(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(FILES["rgb.png"][0])
    other = decode_png(torch.frombuffer(bytearray(FILES["rgb.png"][0]), dtype=torch.uint8))
    assert other.dtype == torch.uint16
    found = colours(store_of(tmp_path, [tmp_path / "a.png"])) * 65535
    assert np.array_equal(np.rint(found), other.permute(1, 2, 0).numpy())


@pytest.mark.parametrize("said", [{}, {"resize": 16, "interpolation": "bilinear"}])
def test_scaling_loses_no_step_either(tmp_path: Path, said: dict[str, Any]) -> None:
    """The reference scales in double precision; torch antialiases as Pillow does."""
    (tmp_path / "a.tif").write_bytes(FILES["rgb <True.tif"][0])
    store = store_of(tmp_path, [tmp_path / "a.tif"], 12, **said)
    size, mode = said.get("resize", 12), said.get("interpolation", "bicubic")
    whole = torch.from_numpy(RAMP / 65535).permute(2, 0, 1)[None]
    wanted = interpolate(whole, (size, size), mode=mode, antialias=True)[0].clamp(0, 1)
    first = (size - 12) // 2
    wanted = wanted[:, first : first + 12, first : first + 12].permute(1, 2, 0)
    assert np.abs(colours(store) - wanted.numpy()).max() < STEP


@pytest.mark.parametrize("orientation", [3, 6])
def test_they_are_turned_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "a.png").write_bytes(png(RAMP, 2, [(b"eXIf", exif.tobytes()[6:])]))
    turned = {3: RAMP[::-1, ::-1], 6: np.rot90(RAMP, -1)}[orientation]
    found = colours(store_of(tmp_path, [tmp_path / "a.png"]))
    assert np.abs(found - turned / 65535).max() <= 0.51 * STEP


def test_bytes_in_cells_and_colours_of_dicom_are_kept_too(tmp_path: Path) -> None:
    table = {"photo": [FILES["rgb.png"][0]], "label": ["a"], "id": ["x"]}
    pq.write_table(pa.table(table), tmp_path / "t.parquet")
    said = {"path": tmp_path / "t.parquet", "images": ["photo"], "label": "label", "group": None}
    params: Any = Plugins().find("dataset", "table")
    (sample,) = params.model_validate(said).build().samples()
    (packed,) = sample.images["image"]
    assert isinstance(packed, PackedImage)
    data = Path(str(pydicom.__file__)).parent / "data" / "test_files"
    scan = data / "SC_rgb_rle_16bit.dcm"
    stored = pixel_array(scan)
    for source, wanted in ((packed, RAMP), (scan, stored)):
        store = store_of(tmp_path, [source], len(wanted), fit="stretch")
        assert np.abs(colours(store) - wanted / 65535).max() <= 0.51 * STEP


def test_a_range_of_grey_is_not_for_colours(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(FILES["rgb.png"][0])
    assert measured_range([tmp_path / "a.png"], ImageRequest("", 10_000)) is None
    plain, stated = store_of(tmp_path, [tmp_path / "a.png"]), (0, 4095)
    ranged = store_of(tmp_path, [tmp_path / "a.png"], range=stated)
    assert torch.equal(plain.collate([0]).pixels, ranged.collate([0]).pixels)


HOSTILE: dict[str, tuple[bytes, str]] = {
    "planes.tif": (tiff(RAMP, planar=2), "one plane behind the other"),
    "packed planes.tif": (tiff(RAMP, packed=True, planar=2), "one plane behind the other"),
    "bomb.png": (png(RAMP, 2, side=60_000), "pixel"),
    "cut.png": (png(RAMP, 2)[:400], "not a readable image"),
    "cut.tif": (tiff(RAMP, packed=True)[:-200], "not a readable image"),
    "short.tif": (tiff(RAMP)[:-200], "not a readable image"),
    "other data.png": (png(RAMP, 2).replace(b"IDAT", b"IDAT" + bytes(4)), "not a readable image"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_is_a_row_with_its_reason(tmp_path: Path, name: str) -> None:
    content, words = HOSTILE[name]
    (tmp_path / name).write_bytes(content)
    store = store_of(tmp_path, [tmp_path / name])
    (fault,) = store.unreadable
    assert words in fault.reason
    with pytest.raises(DataError, match=words):
        read_image(tmp_path / name)


def test_noise_in_any_byte_gives_a_picture_or_a_reason(tmp_path: Path) -> None:
    draws = np.random.default_rng(1)
    for content in (FILES["rgba.png"][0], FILES["rgba packed.tif"][0], FILES["rgb <False.tif"][0]):
        for _ in range(30):
            changed = bytearray(content)
            for place in draws.integers(0, min(len(changed), 300), 3):
                changed[place] = draws.integers(256)
            (tmp_path / "a").write_bytes(bytes(changed))
            with suppress(DataError):
                assert read_image(tmp_path / "a", pixel_limit=10_000).shape[2] == 3
