"""The work of decoding many images, from which a later process can go on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmx.data.images import Frame
from mmx.data.pixel_map import checksum, new_map, open_map
from mmx.data.threads import in_threads
from mmx.errors import DataError
from mmx.files import Journal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    One = Callable[[int], tuple[NDArray[np.generic], Frame]]

_AHEAD = 64  # images that threads may work on before their results are taken
_PIECE = 4  # of them that a thread takes at a time


@dataclass(frozen=True, slots=True)
class StoredImages:
    """What is known of decoded images besides their pixels.

    Attributes:
        frames: [m, 3], int32: width and height as stored, EXIF orientation; zeros where unreadable.
        checksums: [m], uint32, CRC-32 of the pixels; 0 where unreadable.
    """

    frames: "NDArray[np.int32]"
    checksums: "NDArray[np.uint32]"

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        return {"frames": self.frames.tolist(), "checksums": self.checksums.tolist()}

    @classmethod
    def from_json(cls, plain: Mapping[str, object]) -> "StoredImages | None":
        """What ``to_json`` gave; None when it is something else."""
        try:
            frames = np.array(plain["frames"], dtype=np.int32).reshape(-1, 3)
            checksums = np.array(plain["checksums"], dtype=np.uint32)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        return cls(frames, checksums) if len(frames) == len(checksums) else None


class Decoding:
    """Decodes images in order, and notes after each block how far it has come."""

    def __init__(
        self,
        part: Path,
        shape: tuple[int, ...],
        dtype: "type[np.uint8] | type[np.uint16]",
        *,
        fits: bool,
    ) -> None:
        """Find what a killed process left, or begin.

        Args:
            part: file of the pixels in the making; the notes stand beside it.
            shape: [m, H, W, 3].
            dtype: of pixels.
            fits: whether pixels are kept.
        """
        self._notes = Journal(part.with_suffix(".jsonl"))
        self._stored = StoredImages(
            np.zeros((shape[0], 3), np.int32), np.zeros(shape[0], np.uint32)
        )
        self._pixels = open_map(part, shape, dtype, "r+") if fits else None
        self._done = self._noted() if self._pixels is not None or not fits else 0
        if self._done == 0:
            self._notes.path.unlink(missing_ok=True)
        if fits and self._pixels is None:
            self._pixels = new_map(part, shape, dtype)

    def _noted(self) -> int:
        """How many images are done, by whole notes in order; their frames and checksums."""
        done = 0
        for note in self._notes.read()[0]:
            block = StoredImages.from_json(note)
            if note.get("from") != done or block is None:
                break
            stop = done + len(block.frames)
            if stop > len(self._stored.frames):
                break
            self._stored.frames[done:stop] = block.frames
            self._stored.checksums[done:stop] = block.checksums
            done = stop
        return done

    def run(self, one: "One", report: Callable[[int, int], None]) -> StoredImages:
        """Decode what is left; ``one`` gives picture and frame of a number, or DataError."""
        total = len(self._stored.frames)
        for start in range(self._done, total, _AHEAD):
            stop = min(start + _AHEAD, total)
            for _ in in_threads(lambda number: self._one(one, number), range(start, stop), _PIECE):
                pass
            self._note(start, stop)
            report(stop, total)
        if isinstance(self._pixels, np.memmap):
            self._pixels.flush()
        return self._stored

    def _one(self, one: "One", number: int) -> None:
        try:
            shown, frame = one(number)
        except DataError:
            return
        self._stored.frames[number] = frame.width, frame.height, frame.orientation
        self._stored.checksums[number] = checksum(shown)
        if self._pixels is not None:
            self._pixels[number] = shown

    def _note(self, start: int, stop: int) -> None:
        block = StoredImages(self._stored.frames[start:stop], self._stored.checksums[start:stop])
        self._notes.append({"from": start, **block.to_json()})
