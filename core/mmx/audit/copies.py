"""Pairs of rows whose pictures are nearly the same, each told once however many rows share one."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmx.audit.alignment import VIEWS, correlation, structure, view_each
from mmx.audit.hashes import calibrated, close_above, distances, of_shifts, of_views
from mmx.audit.subject import Subject

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]
    Pictures = NDArray[np.uint8]
    Shown = tuple[Pictures, Rows]  # pictures, and which of them are meant: they are not copied

MOST_MOVED = (
    20_000  # different pictures among which copies are looked for in nine places, not in one
)
_CHANCE = 2_000_000  # random pairs for the distance
_MOST = 10  # bits of 64
_ALLOWED = 0.5  # candidates by chance for each image
_SAMPLE, _RANDOM = 400, 3_000  # pictures and random pairs for the correlation
_TRIED = 50  # rows of a set of equal pictures
_BATCH = 2_048
_LEAST, _MOST_LIKE = 0.65, 0.9  # copies themselves may be among the random pairs


@dataclass(frozen=True, slots=True)
class Copy:
    """Two rows with nearly the same picture.

    Attributes:
        left: row.
        right: row.
        view: how the picture of ``left`` is to be turned to be that of ``right``.
        correlation: of both, up to 1.
    """

    left: int
    right: int
    view: str
    correlation: float


@dataclass(frozen=True, slots=True)
class Search:
    """How copies were looked for.

    Attributes:
        distance: bits of the hash that may differ.
        correlation: that a copy has at least.
        moved: whether in all nine places.
    """

    distance: int
    correlation: float
    moved: bool


def copies(subject: Subject, rows: "Rows", small: "Pictures") -> tuple[list[Copy], Search]:
    """Pairs in two parts and groups, or with two labels; the most similar first.

    Args:
        subject: parts, groups, labels, and which rows are known to be byte-identical.
        rows: [n] to look at.
        small: [n, 64, 64], their pictures in grey.

    Returns:
        The pairs, and how they were looked for.
    """
    sets = _equal(rows, small)
    found = [Copy(*pair, VIEWS[0], 1.0) for one in sets for pair in _inside(subject, one)]
    first = np.array([one[0] for one in sets], dtype=np.int64)
    at = np.searchsorted(rows, first)
    several = np.array([len(one) > 1 for one in sets], dtype=bool)
    pairs, distance = _candidates(subject, (small, at), first, several)
    limit = _limit(subject, first, (small, at))
    for (left, right), (number, value) in _confirmed((small, at), pairs, limit).items():
        pair = _that_matters(subject, sets[left], sets[right])
        found += [Copy(*pair, VIEWS[number], value)] if pair else []
    search = Search(distance, limit, _looks_beside(first))
    return sorted(found, key=lambda one: -one.correlation), search


def _looks_beside(rows: "Rows") -> bool:
    """Whether so many different pictures are looked for in nine places."""
    return len(rows) <= MOST_MOVED


def _equal(rows: "Rows", small: "Pictures") -> list[list[int]]:
    """Rows whose small pictures are equal, together, in order."""
    found: dict[bytes, list[int]] = {}
    for row, picture in zip(rows.tolist(), small, strict=True):
        digest = hashlib.blake2b(picture.tobytes(), digest_size=16).digest()
        found.setdefault(digest, []).append(row)
    return list(found.values())


def _inside(subject: Subject, rows: list[int]) -> Iterator[tuple[int, int]]:
    """At most two pairs of rows with one picture: the first of two parts, the first of two labels.

    Byte-identical files are a matter of another check.
    """
    first, content = rows[0], subject.content
    others = [row for row in rows[1:] if content[row] < 0 or content[row] != content[first]]
    across = next((row for row in others if _across(subject, first, row)), None)
    torn = next((row for row in others if _torn(subject, first, row)), None)
    for row in dict.fromkeys(row for row in (across, torn) if row is not None):
        yield first, row


def _that_matters(subject: Subject, left: list[int], right: list[int]) -> tuple[int, int] | None:
    """The first two rows of two sets of equal pictures that a reader must know of."""
    pairs = ((one, other) for one in left[:_TRIED] for other in right[:_TRIED])
    return next((pair for pair in pairs if _across(subject, *pair) or _torn(subject, *pair)), None)


def _across(subject: Subject, left: int, right: int) -> bool:
    parts, groups = subject.parts, subject.groups
    return bool(parts[left] != parts[right] and groups[left] != groups[right])


def _torn(subject: Subject, left: int, right: int) -> bool:
    return bool(subject.unlike(np.array([left]), np.array([right]))[0])


def _candidates(
    subject: Subject, shown: "Shown", rows: "Rows", several: "NDArray[np.bool_]"
) -> "tuple[Rows, int]":
    """[P, 3]: two places in rows and a view; and the distance that was allowed.

    Args:
        subject: parts, groups and labels.
        shown: [n, 64, 64] pictures.
        rows: [n], the first row with each picture.
        several: [n], whether other rows have it as well, so that any pair may matter.
    """
    if len(rows) < 2:
        return np.zeros((0, 3), dtype=np.int64), 0
    small, at = shown
    views = of_views(small)[:, at]
    shifts = of_shifts(small)[:, at] if _looks_beside(rows) else views[:1]
    random = np.random.default_rng(0)
    draw = random.integers(len(rows), size=(2, min(_CHANCE, 4 * len(rows) ** 2)))
    draw = draw[:, subject.groups[rows[draw[0]]] != subject.groups[rows[draw[1]]]]
    compared = len(rows) ** 2 / 2 * len(views) * len(shifts)
    # in any view and place, so that true copies, which match in one, hardly count as chance
    turned, index = (random.integers(len(of), size=draw.shape[1]) for of in (views, shifts))
    chance = distances(views[turned, draw[0]], shifts[index, draw[1]])
    distance = max(calibrated(chance, compared, max(_ALLOWED * len(rows), 1), _MOST), 0)
    found = [np.zeros((0, 3), dtype=np.int64)]
    for number, left in enumerate(views):
        pairs = np.concatenate([close_above(left, right, distance) for right in shifts])
        kept = _matters(subject, rows[pairs]) | several[pairs].any(axis=1)
        found.append(np.insert(pairs[kept], 2, number, axis=1))
    return np.unique(np.concatenate(found), axis=0), distance


def _matters(subject: Subject, pairs: "Rows") -> "NDArray[np.bool_]":
    """[P], which pairs of rows stand in two parts and groups, or have two labels."""
    left, right = pairs.T
    parts = subject.parts
    groups = subject.groups
    across = (parts[left] != parts[right]) & (groups[left] != groups[right])
    return np.asarray(across | subject.unlike(left, right))


def _limit(subject: Subject, rows: "Rows", shown: "Shown") -> float:
    """The correlation that random pairs of two groups hardly ever reach."""
    draw = np.random.default_rng(1)
    sample = draw.permutation(len(rows))[:_SAMPLE]
    left, right = draw.integers(len(sample), size=(2, _RANDOM))
    apart = subject.groups[rows[sample[left]]] != subject.groups[rows[sample[right]]]
    if not apart.any():
        return _LEAST
    small, at = shown
    fine = structure(small[at[sample]])
    random = correlation(fine[left[apart]], fine[right[apart]])
    return float(np.clip(np.quantile(random, 0.999), _LEAST, _MOST_LIKE))


def _confirmed(
    shown: "Shown", pairs: "Rows", limit: float
) -> dict[tuple[int, int], tuple[int, float]]:
    """Two places -> the view in which they correlate most, and how much, from the limit on."""
    best: dict[tuple[int, int], tuple[int, float]] = {}
    small, at = shown
    for start in range(0, len(pairs), _BATCH):
        left, right, number = pairs[start : start + _BATCH].T
        turned = view_each(structure(small[at[left]]), number)
        values = correlation(turned, structure(small[at[right]]))
        for one, value in zip(pairs[start : start + _BATCH].tolist(), values.tolist(), strict=True):
            if value >= max(limit, best.get((one[0], one[1]), (0, -1.0))[1]):
                best[one[0], one[1]] = (one[2], value)
    return best
