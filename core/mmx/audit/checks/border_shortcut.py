"""Whether the border of the image, or a thumbnail of 16 x 16 pixels, tells the label.

The border should tell little: where it does, the device, the ruler or the skin around may stand
for the class. A thumbnail holds colours only; where it does half the work, so may any model.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmx.audit import probe
from mmx.audit.check import Check
from mmx.audit.finding import Finding
from mmx.audit.subject import Subject
from mmx.plugins import hookimpl

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ID = "border_shortcut"
_BORDER, _THUMBNAIL = 0.25, 0.5  # of the way from chance to perfection
_BATCH = 256
_WIDTH = 16  # the border is 1/16 of the side wide
_SIDE = 16  # of the thumbnail
_COMPONENTS = 48


def find(subject: Subject) -> list[Finding]:
    """A warning for each of the two that tells the label."""
    if subject.pictures is None or subject.has_picture is None or not len(subject.probed):
        return []
    if not subject.has_picture[subject.probed].all():
        return [Finding(_ID, "note", "not probed: some samples have no image")]
    borders, small = [], []
    for start in range(0, len(subject.probed), _BATCH):
        pictures = subject.pictures(subject.probed[start : start + _BATCH])
        borders.append(border(pictures))
        small.append(thumbnail(pictures))
    told = {
        "the border of the image": (np.concatenate(borders), _BORDER),
        "a thumbnail of 16 x 16 pixels": (np.concatenate(small), _THUMBNAIL),
    }
    return [
        one
        for what, (pixels, limit) in told.items()
        for one in _judged(subject, what, pixels, limit)
    ]


def border(pictures: "NDArray[np.uint8]") -> "NDArray[np.float64]":
    """[B, 96]: mean and spread of the colours in four pieces of each side's outer strip."""
    height, width = pictures.shape[1:3]
    down, across = max(height // _WIDTH, 1), max(width // _WIDTH, 1)
    strips = [
        pictures[:, :down], pictures[:, -down:],
        pictures[:, :, :across].swapaxes(1, 2), pictures[:, :, -across:].swapaxes(1, 2),
    ]  # fmt: skip
    found = []
    for strip in strips:
        for piece in np.array_split(strip, 4, axis=2):
            found += [piece.mean(axis=(1, 2)), piece.std(axis=(1, 2))]
    return np.concatenate(found, axis=1)


def thumbnail(pictures: "NDArray[np.uint8]") -> "NDArray[np.float64]":
    """[B, 768]: mean colours of 16 x 16 fields."""
    rows, columns = (
        np.unique(np.linspace(0, side, _SIDE, endpoint=False).astype(int))
        for side in pictures.shape[1:3]
    )
    sums = np.add.reduceat(np.add.reduceat(pictures.astype(np.float64), rows, axis=1), columns, 2)
    heights = np.diff([*rows, pictures.shape[1]])[:, None, None]
    widths = np.diff([*columns, pictures.shape[2]])[:, None]
    means: NDArray[np.float64] = sums / heights / widths
    return means.reshape(len(pictures), -1)


def _judged(subject: Subject, what: str, pixels: Any, limit: float) -> list[Finding]:
    predicted = probe.linear(subject, _components(pixels), np.arange(len(pixels)))
    chance = 1 / len(np.unique(subject.labels[subject.probed]))
    if (probe.quick(subject, predicted) - chance) / (1 - chance) <= limit:
        return []
    told = probe.score(subject, predicted, f"{what}, logistic regression")
    message = (
        f"{what} alone reaches a balanced accuracy of {told}; look at pictures of each class for a "
        "device, a ruler or a colour that stands for it"
    )
    return [Finding(_ID, "warning", message, score=told, pictures=_examples(subject))]


def _components(pixels: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """The main directions of the columns, each with spread 1."""
    centred = pixels - pixels.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    kept = np.flatnonzero(values > 1e-9 * max(values[-1], 1e-12))[-_COMPONENTS:]
    found: NDArray[np.float64] = centred @ vectors[:, kept] / np.sqrt(values[kept])
    return found


def _examples(subject: Subject) -> tuple[tuple[str, ...], ...]:
    """Four pictures of each of the first classes."""
    rows = {label: subject.probed[subject.labels[subject.probed] == label][:4]
            for label in np.unique(subject.labels[subject.probed])[:8].tolist()}  # fmt: skip
    return tuple(tuple(str(subject.ids[row]) for row in line.tolist()) for line in rows.values())


@hookimpl
def mmx_audit_checks() -> Sequence[Check]:
    """Give this check."""
    return [Check(_ID, "image borders and thumbnails from which the label can be told", find)]
