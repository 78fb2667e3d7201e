"""What rows say about the images of one modality, each file and each frame mentioned once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mmx.data.frames import Decoder, frames_of
from mmx.interfaces import Box, ImageSource, PackedImage, Sample


class ImageRows:
    """What rows say about images: ids, sources without repetition, [n, V] places in them, boxes."""

    def __init__(self, samples: Sequence[Sample], modality: str, decoder: Decoder) -> None:
        self.ids: list[str] = []
        self.groups: list[str] = []
        self.own: list[int | None] = []
        self.centre: list[int] = []
        self.boxes: dict[tuple[int, int], tuple[float, ...]] = {}
        self.sources: list[ImageSource] = []
        self._seen: dict[Path | str, int] = {}
        indices: list[list[int]] = []
        for row in range(len(samples)):
            sample = samples[row]
            self.ids.append(sample.id)
            self.groups.append(sample.group)
            shown = _spread(sample, modality, decoder)
            self.own.append(shown.own)
            self.centre.append(len(shown.images) // 2 if shown.own is None else shown.own)
            indices.append([self._index(image) for image in shown.images])
            boxes = enumerate(shown.boxes)
            self.boxes |= {(row, view): box for view, box in boxes if box is not None}
        views = max((len(one) for one in indices), default=0) or 1
        self.index = np.full((len(indices), views), -1, dtype=np.int64)
        for row, one in enumerate(indices):
            self.index[row, : len(one)] = one

    def _index(self, image: ImageSource | None) -> int:
        """The place of an image among the sources; -1 where there is none."""
        if image is None:
            return -1
        name = _name(image)
        if name not in self._seen:
            self._seen[name] = len(self.sources)
            self.sources.append(image)
        return self._seen[name]


@dataclass(frozen=True, slots=True)
class _RowImages:
    """The images of a row, several frames of one file each for itself."""

    images: list[ImageSource | None]
    boxes: list[Box | None]
    own: int | None


def _spread(sample: Sample, modality: str, decoder: Decoder) -> _RowImages:
    """The images of a row; boxes of a file go with each of its frames, its own with the middle."""
    held, own = sample.images.get(modality, ()), sample.own.get(modality)
    boxes = sample.boxes.get(modality, ())
    shown = _RowImages([], [], None)
    for place, image in enumerate(held):
        frames = [None] if image is None else list(frames_of(image, decoder))
        if place == own:
            shown = replace(shown, own=len(shown.images) + len(frames) // 2)
        shown.images.extend(frames)
        box = boxes[place] if place < len(boxes) else None
        shown.boxes.extend([box] * len(frames))
    return shown


def _name(image: ImageSource) -> Path | str:
    """What two mentions of one image share, without reading it."""
    if isinstance(image, Path):
        return image
    return image.name if isinstance(image, PackedImage) else image.key
