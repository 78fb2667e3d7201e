"""The images of the rows, decoded once and handed out as batches.

Pixels are uint8, or floating point of 16 bits where any file holds grey of more than 8 bits.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from einops import rearrange

from mmx.data.decoded_images import Report, decode, decode_all, fault
from mmx.data.file_keys import any_deep, file_keys
from mmx.data.frames import Decoder, FileFrame
from mmx.data.image_readers import ImageReaders
from mmx.data.image_rows import ImageRows
from mmx.data.images import DEEPEST, Frame, shares_of, window
from mmx.data.middle_cut import middle_window
from mmx.data.small_grey import SMALL_SIDE, small_greys
from mmx.data.threads import in_threads
from mmx.errors import DataError
from mmx.interfaces import (
    IMAGE,
    Box,
    Images,
    ImageSource,
    PackedImage,
    RejectedRow,
    Sample,
    Store,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmx.spec import ImageSpec

_PIECE = 4  # images that a thread decodes at a time


def _silent(done: int, total: int) -> None:
    """Report to nobody."""


class ImageStore(Store):
    """Images of the rows at one size, [V, 3, H, W] each; V is the most images that any row has.

    Equal files are decoded and kept once. The decoded pixels are a memory map in ``folder``, found
    again by later runs on the same files; above ``memory_gb`` images are decoded on each access.

    Attributes:
        own: [n], place of the image that stands for its row.
        keys: [n], digest of all that ``collate`` gives for a row: contents, size, fit, boxes and
            centre; whatever other rows have.
        unreadable: one entry for each image that cannot be read; it is masked out.
        duplicates: ids of rows with byte-identical images, together.
    """

    # parameters: readers are those of the spec's plugins, and nothing of the process
    def __init__(
        self,
        samples: Sequence[Sample],
        spec: "ImageSpec",
        *,
        modality: str = IMAGE,
        folder: str | Path,
        memory_gb: float,
        progress: Report | None = None,
        readers: ImageReaders | None = None,
    ) -> None:
        self._spec = spec
        self._decoder = Decoder(spec, readers or ImageReaders())
        rows = ImageRows(samples, modality, self._decoder)
        told = progress or _silent
        content = file_keys(rows.sources, self._decoder, Path(folder), told)
        self._decoder = replace(self._decoder, deep=any_deep(content))
        self._sources, kept = _distinct(rows.sources, content)
        self._index = np.where(rows.index >= 0, np.append(kept, -1)[rows.index], -1)  # [n, V]
        kept_keys = [""] * len(self._sources)
        for source, key in zip(kept, content, strict=True):
            kept_keys[source] = key
        self._decoded = decode_all(
            self._sources, kept_keys, self._decoder,
            folder=Path(folder), memory_gb=memory_gb, report=told,
        )  # fmt: skip
        self.unreadable = self._unreadable(rows)
        self._boxes = self._shares(rows.boxes) if rows.boxes else None
        self._content = kept_keys
        self.own = [0 if own is None else own for own in rows.own]
        self._centre = np.array(rows.centre, dtype=np.int64)
        self.keys = [self._key(row, slice(None), rows.centre[row]) for row in range(len(self))]
        self.duplicates = _twins(rows, self._index, np.bincount(kept))

    def __len__(self) -> int:
        """Rows."""
        return len(self._index)

    @property
    def views(self) -> int:
        """V, the most images that any row has; at least 1."""
        return int(self._index.shape[1])

    @property
    def mask(self) -> torch.Tensor:
        """[n, V], bool; True where a row has a readable image."""
        return torch.from_numpy(self._readable(self._index))

    @property
    def present(self) -> torch.Tensor:
        """[n], bool: rows with a readable image."""
        return self.mask.any(dim=1)

    @property
    def centre(self) -> torch.Tensor:
        """[n], int64: the place in each row that its other images stand around."""
        return torch.from_numpy(self._centre)

    @property
    def deep(self) -> bool:
        """Whether any file may hold more than 8 bits of grey or of a colour."""
        return self._decoder.deep

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self._spec.height, self._spec.width

    def file_of(self, row: int) -> str:
        """The shard or table that the first image of a row lies in; empty for a file of its own."""
        index = int(self._index[row, 0])
        found = self._sources[index] if index >= 0 else None
        source = found.source if isinstance(found, FileFrame) else found
        place = source.place if isinstance(source, PackedImage) else None
        return "" if place is None else place[0]

    def view_keys(self) -> list[list[str]]:
        """[n][V], for each image of each row the key of a row with that image alone."""
        views = range(self.views)
        return [[self._key(row, slice(v, v + 1)) for v in views] for row in range(len(self))]

    @property
    def decoded(self) -> bool:
        """Whether all pixels are at hand, so that looking at them costs no decoding."""
        return self._decoded.pixels is not None

    @property
    def absent(self) -> int:
        """Rows without a readable image."""
        return int((~self._readable(self._index).any(axis=1)).sum())

    @property
    def has_first(self) -> "NDArray[np.bool_]":
        """[n], whether the first image of a row is there and readable."""
        return self._readable(self._index[:, 0])

    def sizes(self, rows: Sequence[int]) -> "NDArray[np.int64]":
        """[B, 2], width and height of the first images as stored; zeros where there is none."""
        index = self._index[np.asarray(rows, dtype=np.int64), 0]
        frames = np.append(self._decoded.frames[:, :2], [[0, 0]], axis=0)
        return frames[np.where(index >= 0, index, -1)].astype(np.int64)

    def counts(self, rows: Sequence[int]) -> "NDArray[np.int64]":
        """[B], how many images these rows name."""
        return np.asarray((self._index[np.asarray(rows, dtype=np.int64)] >= 0).sum(axis=1))

    def pictures(self, rows: Sequence[int]) -> "NDArray[np.uint8]":
        """[B, V, H, W, 3], 8 bits for eyes and for comparing; black where there is no image."""
        pixels = rearrange(self.collate(rows).pixels, "b v c h w -> b v h w c").numpy()
        if self._decoder.deep:
            pixels = (pixels * 255 + 0.5).astype(np.uint8)
        return np.ascontiguousarray(pixels)

    def greys(self, rows: Sequence[int]) -> "NDArray[np.uint8]":
        """[B, 64, 64], the first images, small and grey; black where there is none.

        Where pixels are not at hand they are taken from those that were kept instead, if any.
        """
        index = self._index[np.asarray(rows, dtype=np.int64), 0]
        there = self._readable(index)
        small = np.zeros((len(index), SMALL_SIDE, SMALL_SIDE), dtype=np.uint8)
        if self._decoded.greys is not None:
            small[there] = self._decoded.greys.take(index[there])
        elif there.any():
            small[there] = small_greys(self._pixels(index[there]))
        return small

    def collate(self, rows: Sequence[int]) -> Images:
        """Pixels [B, V, 3, H, W], mask and boxes; black where there is no image.

        Pixels are uint8; float32 in [0, 1] where any file holds more than 8 bits.
        """
        chosen = np.asarray(rows, dtype=np.int64)
        index = self._index[chosen]
        mask = self._readable(index)
        size = (*index.shape, self._spec.height, self._spec.width, 3)
        pixels = np.zeros(size, dtype=self._decoder.dtype)
        pixels[mask] = self._pixels(index[mask])
        if self._decoder.deep:
            pixels = pixels.astype(np.float32) / DEEPEST
        return Images(
            pixels=rearrange(torch.from_numpy(pixels), "b v h w c -> b v c h w"),
            mask=torch.from_numpy(mask),
            boxes=None if self._boxes is None else torch.from_numpy(self._boxes[chosen]),
            centre=torch.from_numpy(self._centre[chosen]),
        )

    def _pixels(self, indices: "NDArray[np.int64]") -> "NDArray[np.generic]":
        if self._decoded.pixels is not None:
            return self._decoded.pixels.take(indices)
        size = (len(indices), self._spec.height, self._spec.width, 3)
        pixels = np.empty(size, dtype=self._decoder.dtype)
        sources = [self._sources[index] for index in indices]
        for target, (shown, _) in enumerate(in_threads(self._decode, sources, _PIECE)):
            pixels[target] = shown
        return pixels

    def _decode(self, source: ImageSource) -> "tuple[NDArray[np.generic], Frame]":
        return decode(source, self._decoder)

    def _readable(self, index: "NDArray[np.int64]") -> "NDArray[np.bool_]":
        return (index >= 0) & (np.append(self._decoded.frames[:, 0], 0)[index] > 0)

    def _unreadable(self, rows: ImageRows) -> list[RejectedRow]:
        """What cannot be read, each in words about the file that its own row names."""
        indices = np.argwhere((self._index >= 0) & ~self._readable(self._index))
        sources = [rows.sources[int(rows.index[row, view])] for row, view in indices]
        words = in_threads(lambda source: fault(source, self._decoder), sources)
        return [
            RejectedRow(rows.ids[int(row)], why or "it could not be read a moment ago; run again")
            for (row, _), why in zip(indices, words, strict=True)
        ]

    def _shares(self, boxes: "dict[tuple[int, int], tuple[float, ...]]") -> "NDArray[np.float32]":
        """[n, V, 4], boxes as shares of the shown picture; NaN where there is none."""
        shares = np.full((*self._index.shape, 4), np.nan, dtype=np.float32)
        spec = self._spec
        for (row, view), box in boxes.items():
            frame = self._decoded.frames[self._index[row, view]]
            if frame[0] > 0:
                left, top, right, bottom = box
                shown = Frame(*frame.tolist())
                part = _part_shown(shown, spec)
                shares[row, view] = shares_of((left, top, right, bottom), shown, part)
        return shares

    def _key(self, row: int, views: slice, centre: int = 0) -> str:
        """Digest of these views of a row."""
        spec, indices = self._spec, self._index[row, views].tolist()
        while indices and indices[-1] < 0:  # trailing places come from other rows' many images
            indices.pop()
        images = [self._content[index] if index >= 0 else "" for index in indices]
        boxes = b"" if self._boxes is None else self._boxes[row, views][: len(indices)].tobytes()
        where = (centre,) if centre else ()
        grey = (*(spec.grey_range or ()), *spec.of_readers)
        shown = (images, *spec.scaling, *where, *grey)
        what = repr(shown).encode() + boxes
        return hashlib.blake2b(what, digest_size=20).hexdigest()


def _part_shown(frame: Frame, spec: "ImageSpec") -> Box:
    """The part of an upright image that is shown, in its pixels.

    Raises:
        DataError: pixels are shown by what they measure, which is not kept.
    """
    if spec.spacing is not None:
        raise DataError("the rows have boxes, which data.image.spacing does not move; leave it out")
    if spec.middle is not None:
        return middle_window(*frame.upright, spec.middle)
    return window(frame, spec.height, spec.width, spec.fit)


def _distinct(
    sources: Sequence[ImageSource], content: Sequence[str]
) -> "tuple[list[ImageSource], NDArray[np.int64]]":
    """The sources of different content, and for each source its place among them."""
    seen: dict[object, int] = {}
    kept: list[ImageSource] = []
    indices = np.empty(len(sources), dtype=np.int64)
    for number, (source, key) in enumerate(zip(sources, content, strict=True)):
        name = key or number  # two files that cannot be read are not the same
        if name not in seen:
            seen[name] = len(kept)
            kept.append(source)
        indices[number] = seen[name]
    return kept, indices


def _twins(
    rows: ImageRows, index: "NDArray[np.int64]", files: "NDArray[np.int64]"
) -> list[tuple[str, ...]]:
    """Ids of rows with byte-identical images, together.

    One file in several rows of a group is no twin where rows have several images: a lesion's other
    photographs or the levels around are there on purpose.

    Args:
        rows: ids and groups.
        index: [n, V], places among the images of different content.
        files: how many files hold each of these.
    """
    found: dict[int, dict[int, None]] = {}
    for row, view in np.argwhere(index >= 0):
        found.setdefault(int(index[row, view]), {})[int(row)] = None
    together = [
        tuple(rows.ids[row] for row in one)
        for content, one in found.items()
        if len(one) > 1
        and (index.shape[1] == 1 or files[content] > 1 or len({rows.groups[r] for r in one}) > 1)
    ]
    return sorted(together)
