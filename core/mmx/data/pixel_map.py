"""Decoded pictures on disk, each compared with its checksum when it is first read."""

import logging
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmx.files import need_regular

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOG = logging.getLogger("mmx.data")


class PixelMap:
    """[m, H, W, 3] uint8 or uint16, or [m, 64, 64] uint8, in a file.

    What is compared is the copy that is handed out. A picture that is not as it was written is
    decoded again from its source, and the file is taken away so that the next run makes a new one.
    """

    def __init__(
        self,
        file: Path,
        pixels: "NDArray[np.generic]",
        checksums: "NDArray[np.uint32]",
        again: "Callable[[int], NDArray[np.generic]]",
        remove: Callable[[], None],
    ) -> None:
        """Nothing is read yet.

        Args:
            file: named in the log.
            pixels: [m, ...], a memory map.
            checksums: [m], CRC-32 of each picture as it was decoded.
            again: decodes a picture from its source.
            remove: takes the file away.
        """
        self._file = file
        self._pixels = pixels
        self._checksums = checksums
        self._again, self._remove = again, remove
        self._good = np.zeros(len(checksums), dtype=bool)
        self._anew: dict[int, NDArray[np.generic]] = {}

    def take(self, indices: "NDArray[np.int64]") -> "NDArray[np.generic]":
        """[B, ...], a copy of these pictures.

        Raises:
            DataError: a picture is damaged here, and its source cannot be read any more.
        """
        found = np.asarray(self._pixels[indices])
        for at in np.flatnonzero(~self._good[indices]).tolist():
            index = int(indices[at])
            if index not in self._anew and checksum(found[at]) == self._checksums[index]:
                self._good[index] = True
            else:
                found[at] = self._decoded(index)
        return found

    def _decoded(self, index: int) -> "NDArray[np.generic]":
        if index not in self._anew:
            if not self._anew:
                LOG.warning(
                    "decoded images in %s are damaged; they are read from their files again",
                    self._file,
                )
                self._remove()
            self._anew[index] = self._again(index)
        return self._anew[index]


def checksum(picture: "NDArray[np.generic]") -> int:
    """CRC-32 of a picture's numbers."""
    return zlib.crc32(np.ascontiguousarray(picture).reshape(-1).data)


def new_map(
    file: Path, shape: tuple[int, ...], dtype: "type[np.uint8] | type[np.uint16]"
) -> "np.memmap[tuple[int, ...], np.dtype[np.generic]]":
    """A new memory map whose room on the disk is taken at once.

    A map may be larger than the disk; writing into it then ends the process by a signal (SIGBUS)
    that no program can turn into words.
    """
    pixels: np.memmap[tuple[int, ...], np.dtype[np.generic]] = np.lib.format.open_memmap(
        file, "w+", dtype, shape
    )
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
    return pixels


def open_map(
    file: Path, shape: tuple[int, ...], dtype: "type[np.uint8] | type[np.uint16]", mode: str
) -> "NDArray[np.generic] | None":
    """A map that was made before; None when it is not there or not one of this shape and type."""
    try:
        need_regular(file, links=False)
        pixels = np.load(file, mmap_mode=mode, allow_pickle=False)  # type: ignore[arg-type]
    except (OSError, EOFError, ValueError, SyntaxError):
        return None
    fits = pixels.shape == shape and pixels.dtype == dtype and pixels.flags.c_contiguous
    return pixels if fits else None
