"""Decoding all distinct images once, into a memory map that later runs find again.

KEY.npy         the pixels, [m, H, W, 3]; small and grey, [m, 64, 64], where these are too many
KEY.json        how each image was stored, and the checksum of its pixels; sealed, written last
KEY.part.npy    the same while they are made, with KEY.part.jsonl, from which the next process goes
KEY.part.jsonl  on when this one is killed
"""

import hashlib
import logging
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL
from PIL import Image, features

from mmx.data.decoding import Decoding, StoredImages
from mmx.data.frames import Decoder, request_for
from mmx.data.images import DEEPEST, Frame, open_upright, read_bytes, resized
from mmx.data.middle_cut import cut_middle
from mmx.data.pixel_map import PixelMap, open_map
from mmx.data.pixel_spacing import cut_at_spacing
from mmx.data.small_grey import SMALL_SIDE, small_grey
from mmx.data.threads import in_threads
from mmx.data.writable_cache import image_cache
from mmx.errors import DataError
from mmx.files import Hold, keep, own_folder, recall
from mmx.interfaces import ImageSource, PackedImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmx.spec import ImageSpec

Report = Callable[[int, int], None]
"""Told how many of how many images are done."""

LOG = logging.getLogger("mmx.data")
_KEPT = 4  # old maps stay until all of them together are this many times the memory budget
_MAP = re.compile(r"[0-9a-f]{32}\.npy")  # only such maps are ever deleted,
_PART = re.compile(r"[0-9a-f]{32}(-[0-9a-f]{12})?\.part\.(npy|jsonl)")  # and such parts
_OLD = 24 * 3600.0  # seconds after which nobody goes on with a part


@dataclass(frozen=True, slots=True)
class DecodedImages:
    """What is known of distinct images once all were decoded.

    Attributes:
        frames: [m, 3], int32: width and height as stored, EXIF orientation; zeros where unreadable.
        pixels: of all images; None when they would not fit the budget.
        greys: [64, 64] of all images, kept where their pixels do not fit; else None.
    """

    frames: "NDArray[np.int32]"
    pixels: PixelMap | None
    greys: PixelMap | None = None


@dataclass(frozen=True, slots=True)
class _Form:
    """What is kept of each image: its pixels; where these are too many, its small grey picture.

    Attributes:
        shape: of all of it.
        dtype: of its numbers.
        fits: whether it is kept at all.
        small: whether it is the small grey picture.
    """

    shape: tuple[int, ...]
    dtype: "type[np.uint8] | type[np.uint16]"
    fits: bool
    small: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize

    def within(self, memory_gb: float) -> "_Form":
        """The same, kept if there is room for it."""
        return replace(self, fits=0 < self.size <= memory_gb * 1e9)

    def of(self, shown: "NDArray[np.generic]") -> "NDArray[np.generic]":
        """What is kept of a picture [H, W, 3]."""
        return small_grey(shown) if self.small else shown


def decode(source: ImageSource, decoder: Decoder) -> tuple["NDArray[np.generic]", Frame]:
    """One image at the size of the spec, [H, W, 3] uint8 or uint16, and how it was stored.

    A JPEG is decoded at a fraction of its size only where twice the pixels that are shown remain.

    Raises:
        DataError: it cannot be read.
    """
    spec = decoder.spec
    if isinstance(source, Path | PackedImage):
        # the middle cut is held to the pixels of a library, which decodes the whole file
        twice = None if spec.middle or spec.spacing else (2 * spec.width, 2 * spec.height)
        data = read_bytes(source)
        layers, frame = open_upright(
            data, request_for(source, spec), decoder.readers,
            at_least=twice, grey_range=spec.grey_range, deep=decoder.deep,
        )  # fmt: skip
    else:
        layers = (Image.fromarray(source.pixels()),)
        frame = Frame(*layers[0].size)
    shown = [_scaled(layer, frame, spec, str(source)) for layer in layers]
    return _whole(shown) if decoder.deep else shown[0], frame


def _scaled(
    layer: Image.Image, frame: Frame, spec: "ImageSpec", name: str
) -> "NDArray[np.generic]":
    """The part that is shown, at the size of the spec."""
    if spec.spacing is not None:
        return cut_at_spacing(layer, frame.spacing, spec, name)
    if spec.middle is not None:
        return cut_middle(layer, spec.middle)
    return resized(layer, frame, spec.height, spec.width, spec.fit, spec.interpolation)


def _whole(layers: "Sequence[NDArray[np.generic]]") -> "NDArray[np.uint16]":
    """[H, W, 3] in 16 bits, of 8-bit RGB, or of grey or three colours [H, W] from 0 to 65535."""
    if layers[0].dtype == np.uint8:
        return layers[0].astype(np.uint16) * 257
    colours = np.stack([*layers] * (3 // len(layers)), axis=2)
    return (colours.clip(0, DEEPEST) + 0.5).astype(np.uint16)


def decode_all(
    sources: Sequence[ImageSource],
    keys: Sequence[str],
    decoder: Decoder,
    *,
    folder: Path,
    memory_gb: float,
    report: Report,
) -> DecodedImages:
    """Decode distinct images, or find what an earlier run left in ``folder``.

    Every image is decoded once even when the result does not fit ``memory_gb``, so that none is
    found unreadable in the middle of a training.

    Raises:
        DataError: the folder cannot be written.
    """
    kept = _form(len(sources), decoder, memory_gb)
    name = _digest(sources, keys, decoder.spec, kept.small)
    pixel_folder = _PixelFolder(folder, name, kept)
    with image_cache(folder):
        own_folder(folder)
        stored = pixel_folder.find()
        if stored is None or _readable_again(sources, stored, decoder):
            if kept.fits:
                _make_room(folder, kept.size, memory_gb)
            stored = pixel_folder.make(partial(_numbered, sources, decoder, kept), report)
    found = pixel_folder.pixels(stored, partial(_picture, sources, decoder, kept))
    if kept.small:
        return DecodedImages(stored.frames, None, found)
    return DecodedImages(stored.frames, found)


def _form(count: int, decoder: Decoder, memory_gb: float) -> _Form:
    shape = (count, decoder.spec.height, decoder.spec.width, 3)
    pixels = _Form(shape, decoder.dtype, fits=False).within(memory_gb)
    greys = _Form((count, SMALL_SIDE, SMALL_SIDE), np.uint8, fits=False, small=True)
    greys = greys.within(memory_gb)
    return greys if greys.fits and not pixels.fits else pixels


def _numbered(
    sources: Sequence[ImageSource], decoder: Decoder, kept: _Form, number: int
) -> tuple["NDArray[np.generic]", Frame]:
    shown, frame = decode(sources[number], decoder)
    return kept.of(shown), frame


def _picture(
    sources: Sequence[ImageSource], decoder: Decoder, kept: _Form, number: int
) -> "NDArray[np.generic]":
    return kept.of(decode(sources[number], decoder)[0])


def fault(source: ImageSource, decoder: Decoder) -> str | None:
    """Why an image cannot be read now, in words that name this file; None when it can.

    Words of a failure are never kept: they would speak of an older file or an older table.
    """
    try:
        decode(source, decoder)
    except DataError as error:
        return str(error)
    return None


def _readable_again(sources: Sequence[ImageSource], stored: StoredImages, decoder: Decoder) -> bool:
    """Whether an image that could not be read then can be read now."""
    bad = np.flatnonzero(stored.frames[:, 0] == 0).tolist()
    return any(words is None for words in in_threads(lambda n: fault(sources[n], decoder), bad))


class _PixelFolder:
    """Where the pixels of one set of images are kept."""

    def __init__(self, folder: Path, name: str, kept: _Form) -> None:
        self.folder = folder
        self.name = name
        self.shape, self.dtype = kept.shape, kept.dtype
        self.fits = kept.fits
        self.map, self.facts = folder / f"{name}.npy", folder / f"{name}.json"

    def find(self) -> StoredImages | None:
        """What an earlier run left, if it is whole."""
        kept = recall(self.facts)
        stored = None if kept is None else StoredImages.from_json(kept)
        if stored is None or len(stored.frames) != self.shape[0]:
            return None
        if self.fits and open_map(self.map, self.shape, self.dtype, "r") is None:
            if self.map.exists():  # else it was made without pixels, for a smaller budget
                LOG.warning("decoded images in %s are damaged; they are made again", self.map)
            return None
        return stored

    def make(
        self, one: "Callable[[int], tuple[NDArray[np.generic], Frame]]", report: Report
    ) -> StoredImages:
        """Decode beside its place, then move it there; of equal work one process does all."""
        lock, waited = self.folder / f"{self.name}.lock", list[str]()

        def told(owner: str) -> None:
            LOG.warning("waiting for %s, which is decoding the same images", owner)
            waited.append(owner)

        with Hold(lock).later(told):
            try:
                found = self.find() if waited else None
                return self._decoded(one, report) if found is None else found
            finally:
                _forget(lock)

    def _decoded(
        self, one: "Callable[[int], tuple[NDArray[np.generic], Frame]]", report: Report
    ) -> StoredImages:
        part = self.folder / f"{self.name}.part.npy"
        try:
            stored = Decoding(part, self.shape, self.dtype, fits=self.fits).run(one, report)
            if self.fits:
                part.replace(self.map)
            keep(self.facts, stored.to_json())  # last: its presence says that the map is whole
        except OSError:  # a full disk needs its room back
            _remove(part)
            raise
        _remove(part)
        return stored

    def pixels(
        self, stored: StoredImages, again: "Callable[[int], NDArray[np.generic]]"
    ) -> PixelMap | None:
        """The map, which compares what it hands out."""
        found = open_map(self.map, self.shape, self.dtype, "r") if self.fits else None
        if found is None:
            return None
        with suppress(OSError):
            self.map.touch()  # the one that was not used for longest goes first
        return PixelMap(self.map, found, stored.checksums, again, self.remove)

    def remove(self) -> None:
        """Take it away; whoever has it open keeps it."""
        for file in (self.facts, self.map):
            with suppress(OSError):
                file.unlink(missing_ok=True)


def _forget(lock: Path) -> None:
    """Remove a lock that is held; at worst two processes then decode the same images."""
    with suppress(OSError):
        lock.unlink(missing_ok=True)


def _remove(part: Path) -> None:
    for file in (part, part.with_suffix(".jsonl")):
        with suppress(OSError):
            file.unlink(missing_ok=True)


def _make_room(folder: Path, size: int, memory_gb: float) -> None:
    """Remove the maps that were not used for longest; a process that has one open keeps it."""
    for part in folder.iterdir():
        if _PART.fullmatch(part.name) and time.time() - part.stat().st_mtime > _OLD:
            part.unlink(missing_ok=True)
    maps = [file for file in folder.iterdir() if _MAP.fullmatch(file.name)]
    maps.sort(key=lambda file: file.stat().st_mtime)
    total = sum(file.stat().st_size for file in maps)
    for file in maps:
        if total + size <= _KEPT * memory_gb * 1e9:
            return
        total -= file.stat().st_size
        file.unlink(missing_ok=True)
        file.with_suffix(".json").unlink(missing_ok=True)


def _digest(
    sources: Sequence[ImageSource], keys: Sequence[str], spec: "ImageSpec", small: bool
) -> str:
    """Name of a set of images; what cannot be read has no content and goes by its path."""
    decoder = (PIL.__version__, features.version("jpg"))  # another one may give other pixels
    shown = (*spec.scaling, spec.pixel_limit, spec.grey_range)
    what = (*shown, *spec.of_readers, *(("small",) if small else ()), decoder)
    named = [key or f"unreadable {source}" for key, source in zip(keys, sources, strict=True)]
    return hashlib.sha256(repr((what, named)).encode()).hexdigest()[:32]
