"""Perceptual hashes of pictures, and all pairs of hashes that lie close together."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from mmx.audit.hash_parts import near_pairs, thread_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Greys = NDArray[np.uint8] | NDArray[np.float32]

_KEPT = 8
_FLAT = 2.0  # grey levels of spread below which a picture has nothing to hash
_WINDOW, _STEP = 58, 3  # pixels of 64: nine windows, in the middle and moved by a twentieth
_BLOCK, _CHUNK = 32, 4_096  # 1 MB of differences at a time, which a cache holds
_MANY = 40_000  # hashes from which on only those are compared that share a part


def structured(small: "Greys") -> "NDArray[np.bool_]":
    """[B], which pictures have something to hash; one of a single colour has not."""
    chunks = (small[start : start + _CHUNK] for start in range(0, len(small), _CHUNK))
    found = [one.std(axis=(1, 2)) > _FLAT for one in chunks]
    return np.concatenate(found) if found else np.zeros(0, dtype=bool)


def perceptual(small: "Greys") -> "Hashes":
    """64-bit hashes [B] of the middle of grey pictures [B, 64, 64].

    The signs of the 8 x 8 slowest cosine waves against their median: changes of brightness,
    contrast, size and compression leave most of them as they are.

    Source: Zauner 2010, Implementation and benchmarking of perceptual image hash functions.
    """
    return _bits(_waves(small, _STEP, _STEP))


def of_views(small: "Greys") -> "Hashes":
    """[8, B], hashes of the middle in the views of ``alignment.VIEWS``.

    Mirroring a picture changes the sign of its odd waves, and turning it by 90 degrees exchanges
    the axes as well, so no picture is turned.
    """
    chunks = range(0, len(small), _CHUNK)  # waves take more room than pictures
    found = [_turned(small[start : start + _CHUNK]) for start in chunks]
    return np.concatenate(found, axis=1) if found else np.zeros((8, 0), dtype=np.uint64)


def _turned(small: "Greys") -> "Hashes":
    """[8, B], hashes of the middle in each view."""
    waves, odd = _waves(small, _STEP, _STEP), (-1.0) ** np.arange(_KEPT)
    found = []
    for number in range(8):
        turned = waves * odd if number >= 4 else waves
        for _ in range(number % 4):
            turned = turned.swapaxes(1, 2) * odd[:, None]
        found.append(_bits(turned))
    return np.stack(found)


def of_shifts(small: "Greys") -> "Hashes":
    """[9, B], hashes of the windows in the middle and a twentieth beside it."""
    steps = (_STEP, 0, 2 * _STEP)  # the middle first
    return np.stack([_bits(_waves(small, down, across)) for down in steps for across in steps])


def _waves(small: "Greys", down: int, across: int) -> "NDArray[np.float64]":
    """[B, 8, 8], the slowest waves of a window, by the cosine transform (DCT-II)."""
    indices = (np.arange(_WINDOW) + 0.5) * np.pi / _WINDOW
    basis = np.cos(np.arange(_KEPT)[:, None] * indices)
    window = small[:, down : down + _WINDOW, across : across + _WINDOW]
    found = [
        basis @ window[start : start + _CHUNK].astype(np.float64) @ basis.T
        for start in range(0, len(window), _CHUNK)
    ]
    return np.concatenate(found) if found else np.zeros((0, _KEPT, _KEPT))


def _bits(waves: "NDArray[np.float64]") -> "Hashes":
    flat = waves.reshape(len(waves), -1).copy()
    flat[:, 0] = 0  # the mean brightness
    bits = flat > np.median(flat, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(np.uint64).ravel()


def close_pairs(left: "Hashes", right: "Hashes", distance: int) -> "NDArray[np.int64]":
    """[P, 2], places in both of all pairs of at most this many different bits."""
    return _search(left, right, distance, lambda start: 0)


def close_above(left: "Hashes", right: "Hashes", distance: int) -> "NDArray[np.int64]":
    """[P, 2], such pairs with the place in ``left`` before that in ``right``."""
    found = _search(left, right, distance, lambda start: start)
    return found[found[:, 0] < found[:, 1]]


def _search(
    left: "Hashes", right: "Hashes", distance: int, first: Callable[[int], int]
) -> "NDArray[np.int64]":
    """Compare blocks of ``left`` with ``right`` from place ``first(start)`` on."""
    if min(len(left), len(right)) > _MANY:
        return near_pairs(left, right, distance)

    def block(start: int) -> "NDArray[np.int64]":
        found = [np.zeros((0, 2), dtype=np.int64)]
        some = left[start : start + _BLOCK, None]
        for offset in range(first(start), len(right), _CHUNK):
            bits = np.bitwise_count(some ^ right[None, offset : offset + _CHUNK])
            if bits.min() <= distance:
                found.append(np.argwhere(bits <= distance) + np.array([start, offset]))
        return np.concatenate(found)

    with ThreadPoolExecutor(thread_count()) as pool:
        blocks = list(pool.map(block, range(0, len(left), _BLOCK)))
    return np.concatenate(blocks) if blocks else np.zeros((0, 2), dtype=np.int64)


def distances(left: "Hashes", right: "Hashes") -> "NDArray[np.int64]":
    """[n], different bits of pairs [n]."""
    return np.asarray(np.bitwise_count(left ^ right), dtype=np.int64)


def calibrated(chance: "NDArray[np.int64]", pairs: float, allowed: float, most: int) -> int:
    """The largest distance at which chance gives no more than ``allowed`` of ``pairs`` pairs.

    Args:
        chance: distances of random pairs that are no copies.
        pairs: how many will be compared.
        allowed: how many of them chance may give.
        most: the largest answer.

    Returns:
        -1 when even equal hashes are that frequent.
    """
    counts = np.cumsum(np.bincount(chance, minlength=most + 1)[: most + 1])
    rare = counts / max(len(chance), 1) * pairs <= allowed
    return int(np.argmin(rare)) - 1 if not rare.all() else most


def batches(rows: "NDArray[np.int64]", size: int) -> "Iterator[NDArray[np.int64]]":
    """Rows in pieces of a size."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
