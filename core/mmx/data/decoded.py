"""Decoding all distinct images once, into a memory map that later runs find again."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL
from PIL import Image, features

from mmx.data.images import Frame, open_upright, read_bytes, resized
from mmx.errors import DataError
from mmx.interfaces import Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmx.spec import ImageSpec

Report = Callable[[int, int], None]
"""Told how many of how many images are done."""

_AHEAD = 64  # images that threads may work on before their results are taken
_KEPT = 4  # old maps stay until all of them together are this many times the memory budget


@dataclass(frozen=True, slots=True)
class Decoded:
    """What is known of distinct images once all were decoded.

    Attributes:
        frames: [m, 3], int32: width and height as stored, EXIF orientation; zeros where unreadable.
        faults: the reason, for each image that cannot be read.
        pixels: [m, H, W, 3], a read-only memory map; None when it would not fit the budget.
    """

    frames: "NDArray[np.int32]"
    faults: dict[int, str]
    pixels: "NDArray[np.uint8] | None"


def file_keys(sources: Sequence[Path | Picture]) -> Iterator[str]:
    """A digest of each source's content, in order; empty for a file that cannot be read."""
    with ThreadPoolExecutor(_threads()) as pool:
        yield from pool.map(_content, sources)


def decode(source: Path | Picture, spec: "ImageSpec") -> tuple["NDArray[np.uint8]", Frame]:
    """One image at the size of the spec, [H, W, 3], and how it was stored.

    A JPEG is decoded at a fraction of its size only where twice the pixels that are shown remain.

    Raises:
        DataError: it cannot be read.
    """
    if isinstance(source, Path):
        twice = (2 * spec.width, 2 * spec.height)
        data = read_bytes(source)
        image, frame = open_upright(data, str(source), pixel_limit=spec.pixel_limit, at_least=twice)
    else:
        image = Image.fromarray(source.pixels())
        frame = Frame(*image.size)
    return resized(image, frame, spec.height, spec.width, spec.fit), frame


def decode_all(
    sources: Sequence[Path | Picture],
    keys: Sequence[str],
    spec: "ImageSpec",
    *,
    folder: Path,
    memory_gb: float,
    report: Report,
) -> Decoded:
    """Decode distinct images, or find what an earlier run left in ``folder``.

    Every image is decoded once even when the result does not fit ``memory_gb``, so that none is
    found unreadable in the middle of a training.

    Raises:
        DataError: the folder cannot be written.
    """
    name = _digest(keys, spec)
    shape = (len(sources), spec.height, spec.width, 3)
    fits = 0 < int(np.prod(shape)) <= memory_gb * 1e9
    partial = folder / f"{name}.{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = _find(folder, name, shape, fits)
        if found is not None:
            return found
        if fits:
            _make_room(folder, int(np.prod(shape)), memory_gb)
        frames, faults = _publish(sources, spec, partial, shape if fits else None, report)
    except OSError as error:
        raise DataError(
            f"decoded images cannot be kept in {folder}: {error}; if the disk is full, make room; "
            "or name another folder with data.cache.folder or MMX_CACHE"
        ) from error
    finally:
        for left in (partial, partial.with_suffix(".facts")):
            with suppress(OSError):
                left.unlink(missing_ok=True)
    return _find(folder, name, shape, fits) or Decoded(frames, faults, None)


def _publish(
    sources: Sequence[Path | Picture],
    spec: "ImageSpec",
    partial: Path,
    shape: tuple[int, ...] | None,
    report: Report,
) -> tuple["NDArray[np.int32]", dict[int, str]]:
    """Decode into files beside their places, then move them there."""
    name = partial.name.partition(".")[0]
    pixels = None if shape is None else _map(partial, shape)
    frames, faults = _fill(sources, spec, pixels, report)
    if pixels is not None:
        pixels.flush()
        partial.replace(partial.with_name(f"{name}.npy"))
    facts = partial.with_suffix(".facts")
    facts.write_text(json.dumps({"frames": frames.tolist(), "faults": faults}), encoding="utf-8")
    facts.replace(partial.with_name(f"{name}.json"))  # last: its presence says the map is whole
    return frames, faults


def _map(file: Path, shape: tuple[int, ...]) -> "np.memmap[Any, np.dtype[np.uint8]]":
    """A new memory map whose room on the disk is taken at once.

    A map may be larger than the disk; writing into it then ends the process by a signal (SIGBUS)
    that no program can turn into words.
    """
    pixels: np.memmap[Any, np.dtype[np.uint8]] = np.lib.format.open_memmap(
        file, "w+", np.uint8, shape
    )
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
    return pixels


def _fill(
    sources: Sequence[Path | Picture],
    spec: "ImageSpec",
    pixels: "NDArray[np.uint8] | None",
    report: Report,
) -> tuple["NDArray[np.int32]", dict[int, str]]:
    frames, faults = np.zeros((len(sources), 3), dtype=np.int32), dict[int, str]()

    def one(place: int) -> None:
        try:
            shown, frame = decode(sources[place], spec)
        except DataError as error:
            faults[place] = str(error)
            return
        frames[place] = frame.width, frame.height, frame.orientation
        if pixels is not None:
            pixels[place] = shown

    with ThreadPoolExecutor(_threads()) as pool:
        for start in range(0, len(sources), _AHEAD):
            stop = min(start + _AHEAD, len(sources))
            list(pool.map(one, range(start, stop)))
            report(stop, len(sources))
    return frames, dict(sorted(faults.items()))


def _find(folder: Path, name: str, shape: tuple[int, ...], fits: bool) -> Decoded | None:
    """What an earlier run left, if it is whole."""
    facts, table = folder / f"{name}.json", folder / f"{name}.npy"
    try:
        known = json.loads(facts.read_text(encoding="utf-8"))
        pixels = np.load(table, mmap_mode="r", allow_pickle=False) if fits else None
        frames = np.array(known["frames"], dtype=np.int32).reshape(-1, 3)
        faults = {int(place): str(why) for place, why in known["faults"].items()}
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError):
        return None  # not there, or damaged: it is made anew
    if len(frames) != shape[0] or (pixels is not None and pixels.shape != shape):
        return None
    if fits:
        os.utime(table)
    return Decoded(frames, faults, pixels)


def _make_room(folder: Path, size: int, memory_gb: float) -> None:
    """Remove the maps that were not used for longest; a process that has one open keeps it."""
    maps = sorted(folder.glob("*.npy"), key=lambda file: file.stat().st_mtime)
    total = sum(file.stat().st_size for file in maps)
    for file in maps:
        if total + size <= _KEPT * memory_gb * 1e9:
            return
        total -= file.stat().st_size
        file.unlink(missing_ok=True)
        file.with_suffix(".json").unlink(missing_ok=True)


def _content(source: Path | Picture) -> str:
    if not isinstance(source, Path):
        return source.key
    try:
        return hashlib.blake2b(read_bytes(source), digest_size=20).hexdigest()
    except DataError:
        return ""


def _digest(keys: Sequence[str], spec: "ImageSpec") -> str:
    decoder = (PIL.__version__, features.version("jpg"))  # another one may give other pixels
    what = (spec.height, spec.width, spec.fit, spec.pixel_limit, decoder)
    return hashlib.sha256(repr((what, list(keys))).encode()).hexdigest()[:32]


def _threads() -> int:
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4, 8)
