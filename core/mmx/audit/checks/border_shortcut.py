"""Whether the border of the image, or a thumbnail of 16 x 16 pixels, tells a class.

The border should tell little: where it does, the device, the ruler or the skin around may stand
for the class, and where it all but settles one, nothing is trained. A thumbnail holds the colours
of the finding as well, so what it tells is never an error.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mmx.audit.check import Check
from mmx.audit.finding import Finding, Verdict
from mmx.audit.hashes import batches
from mmx.audit.over_labels import over_labels
from mmx.audit.reading import ERROR, Reading, read, read_record
from mmx.audit.subject import Subject
from mmx.audit.telling import told
from mmx.audit.traces import SPREAD, SURE, Trace
from mmx.data import UNUSED, in_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ID = "border_shortcut"
_HALF = 0.5  # of the way from chance to perfection, for a thumbnail
_BATCH = 64
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
    outside, inside = map(_components, _measured(subject.pictures, rows))

    def judged(one: Subject) -> list[Finding]:
        own = np.searchsorted(rows, one.probed)
        return [*_of_border(one, outside[own]), *_of_thumbnail(one, inside[own])]

    return over_labels(shown, judged)


def _measured(
    pictures: "Callable[[NDArray[np.int64]], NDArray[np.uint8]]", rows: "NDArray[np.int64]"
) -> "Iterator[NDArray[np.float64]]":
    """Borders [m, 96] and thumbnails [m, 768] of rows, a batch of which is held at a time."""

    def measured(some: "NDArray[np.int64]") -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
        shown = pictures(some)
        return border(shown), thumbnail(shown)

    found = in_threads(measured, [*batches(rows, _BATCH)], 1)
    yield from map(np.concatenate, zip(*found, strict=True))


def border(pictures: "NDArray[np.uint8]") -> "NDArray[np.float64]":
    """[B, 96]: mean and spread of the colours in four pieces of each side's outer strip."""
    height, width = pictures.shape[1:3]
    down, across = max(height // _WIDTH, 1), max(width // _WIDTH, 1)
    strips = [
        *np.array_split(pictures[:, :down], 4, axis=2),
        *np.array_split(pictures[:, -down:], 4, axis=2),
        *np.array_split(pictures[:, :, :across], 4, axis=1),
        *np.array_split(pictures[:, :, -across:], 4, axis=1),
    ]
    return np.concatenate([_mean_and_spread(strip) for strip in strips], axis=1)


def _mean_and_spread(piece: "NDArray[np.uint8]") -> "NDArray[np.float64]":
    """[B, 6]: of the colours of pieces [B, h, w, 3], from sums of whole numbers."""
    size = piece.shape[1] * piece.shape[2]
    # down first, along which a row is added to a row
    mean = piece.sum(axis=1, dtype=np.uint32).sum(axis=1) / size
    squares = np.square(piece, dtype=np.uint16).sum(axis=1, dtype=np.uint64).sum(axis=1) / size
    return np.concatenate([mean, np.sqrt(np.maximum(squares - mean**2, 0))], axis=1)


def thumbnail(pictures: "NDArray[np.uint8]") -> "NDArray[np.float64]":
    """[B, 768]: mean colours of 16 x 16 fields."""
    count, height, width, colours = pictures.shape
    rows, columns = (
        np.unique(np.linspace(0, side, _SIDE, endpoint=False).astype(int))
        for side in (height, width)
    )
    strips = np.split(pictures.reshape(count, height, width * colours), rows[1:], axis=1)
    # down first, along which a row is added to a row
    down = np.stack([strip.sum(axis=1, dtype=np.uint32) for strip in strips], axis=1)
    down = down.reshape(count, len(rows), width, colours)
    sums = np.add.reduceat(down, columns, axis=2)
    heights = np.diff([*rows, height])[:, None, None]
    widths = np.diff([*columns, width])[:, None]
    means: NDArray[np.float64] = sums / heights / widths
    return means.reshape(count, -1)


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
