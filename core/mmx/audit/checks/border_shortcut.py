"""Whether the border of the image, or a thumbnail of 16 x 16 pixels, tells a class.

The border should tell little: where it does, the device, the ruler or the skin around may stand
for the class, and where it all but settles one, nothing is trained. A thumbnail holds the colours
of the finding as well, so what it tells is never an error.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mmx.audit.check import Check
from mmx.audit.finding import Finding, Verdict
from mmx.audit.over_labels import over_labels
from mmx.audit.reading import ERROR, Reading, read, read_record
from mmx.audit.subject import Subject
from mmx.audit.telling import told
from mmx.audit.traces import SPREAD, SURE, Trace
from mmx.data import UNUSED

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ID = "border_shortcut"
_HALF = 0.5  # of the way from chance to perfection, for a thumbnail
_BATCH = 256
_WIDTH = 16  # the border is 1/16 of the side wide
_SIDE = 16  # of the thumbnail
_COMPONENTS = 48
_BORDER, _THUMBNAIL = "the border of the image", "a thumbnail of 16 x 16 pixels"


def find(subject: Subject) -> list[Finding]:
    """A finding for each of the two that tells a class."""
    if subject.pictures is None or subject.has_picture is None:
        return []
    shown = replace(subject, parts=np.where(subject.has_picture, subject.parts, UNUSED))
    rows = shown.probed
    if not len(rows):
        return []
    borders, small = [], []
    for start in range(0, len(rows), _BATCH):
        pictures = subject.pictures(rows[start : start + _BATCH])
        borders.append(border(pictures))
        small.append(thumbnail(pictures))
    outside, inside = _components(np.concatenate(borders)), _components(np.concatenate(small))

    def judged(one: Subject) -> list[Finding]:
        own = np.searchsorted(rows, one.probed)
        return [*_of_border(one, outside[own]), *_of_thumbnail(one, inside[own])]

    return over_labels(shown, judged)


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
            size = piece.shape[1] * piece.shape[2]
            mean = piece.sum(axis=(1, 2), dtype=np.uint32) / size
            square = np.einsum("bhwc,bhwc->bc", piece, piece, dtype=np.float32) / size
            found += [mean, np.sqrt(np.maximum(square - mean**2, 0))]
    return np.concatenate(found, axis=1)


def thumbnail(pictures: "NDArray[np.uint8]") -> "NDArray[np.float64]":
    """[B, 768]: mean colours of 16 x 16 fields."""
    rows, columns = (
        np.unique(np.linspace(0, side, _SIDE, endpoint=False).astype(int))
        for side in pictures.shape[1:3]
    )
    down = np.add.reduceat(pictures, rows, axis=1, dtype=np.uint32)
    sums = np.add.reduceat(down, columns, axis=2, dtype=np.uint32)
    heights = np.diff([*rows, pictures.shape[1]])[:, None, None]
    widths = np.diff([*columns, pictures.shape[2]])[:, None]
    means: NDArray[np.float64] = sums / heights / widths
    return means.reshape(len(pictures), -1)


def _of_border(subject: Subject, features: "NDArray[np.float64]") -> list[Finding]:
    """A warning where it tells a class; an error where it settles one that the record does not."""
    if not len(features):
        return []
    reading = _read(subject, _BORDER, features)
    if not _clear(reading):
        return []
    settled = reading.settles(read_record(subject))
    return [_finding(subject, "error" if settled else "warning", reading)]


def _of_thumbnail(subject: Subject, features: "NDArray[np.float64]") -> list[Finding]:
    """A warning where it does half the work, or all but settles one class."""
    if not len(features):
        return []
    reading = _read(subject, _THUMBNAIL, features)
    chance = 1 / len(np.unique(subject.labels[subject.probed]))
    half = (reading.accuracy - chance) / (1 - chance) > _HALF
    half = half and any(one.p <= SURE for one in reading.traces)
    settled = any(one.low >= ERROR for one in _clear(reading))
    return [_finding(subject, "warning", reading)] if half or settled else []


def _read(subject: Subject, what: str, features: "NDArray[np.float64]") -> Reading:
    return read(subject, what, features, np.arange(len(features)))


def _clear(reading: Reading) -> list[Trace]:
    return [one for one in reading.traces if one.tells(SPREAD)]


def _finding(subject: Subject, verdict: Verdict, reading: Reading) -> Finding:
    clear, score = _clear(reading), reading.score(subject)
    classes = "".join(f"; {told(subject, one)}" for one in clear[:3])
    message = (
        f"{reading.what} alone reaches a balanced accuracy of {score}{classes}; look at pictures "
        "of each class for a device, a ruler, a mark or a colour that stands for it"
    )
    pictures = _examples(subject, clear)
    return Finding(_ID, verdict, message, (), pictures, score, about=reading.what)


def _components(pixels: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """The main directions of the columns, each with spread 1."""
    centred = pixels - pixels.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    kept = np.flatnonzero(values > 1e-9 * max(values[-1], 1e-12))[-_COMPONENTS:]
    found: NDArray[np.float64] = centred @ vectors[:, kept] / np.sqrt(values[kept])
    return found


def _examples(subject: Subject, clear: Sequence[Trace]) -> tuple[tuple[str, ...], ...]:
    """Four pictures of each class, those that are told first."""
    labels = subject.labels[subject.probed]
    first = dict.fromkeys([*(one.label for one in clear), *np.unique(labels).tolist()])
    lines = [subject.probed[labels == label][:4].tolist() for label in list(first)[:8]]
    return tuple(tuple(str(subject.ids[row]) for row in line) for line in lines)


CHECK = Check(
    _ID,
    "image borders and thumbnails from which a class can be told",
    find,
    short=True,
    scope="images",
    by_label=False,
)
