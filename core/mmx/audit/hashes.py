"""Perceptual hashes of pictures, and all pairs of hashes that lie close together."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

_SIDE, _KEPT = 32, 8
_FLAT = 2.0  # grey levels of spread below which a picture has nothing to hash
_BLOCK, _CHUNK = 32, 4_096  # 1 MB of differences at a time, which a cache holds


def grey(pictures: "NDArray[np.uint8]") -> "NDArray[np.float32]":
    """[B, 32, 32], brightness 0..255, of pictures [B, H, W, 3]."""
    from PIL import Image

    small = np.empty((len(pictures), _SIDE, _SIDE), dtype=np.float32)
    for place, picture in enumerate(pictures):
        image = Image.fromarray(picture).convert("L")
        small[place] = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX))
    return small


def perceptual(small: "NDArray[np.float32]") -> "tuple[Hashes, NDArray[np.bool_]]":
    """64-bit hashes [B] of grey pictures [B, 32, 32], and which of them mean anything.

    The signs of the 8 x 8 slowest cosine waves against their median: changes of brightness,
    contrast, size and compression leave most of them as they are.

    Source: Zauner 2010, Implementation and benchmarking of perceptual image hash functions.
    """
    from scipy.fft import dctn  # type: ignore[import-untyped]

    spectrum = np.asarray(dctn(small, axes=(1, 2), norm="ortho"))
    waves = spectrum[:, :_KEPT, :_KEPT].reshape(len(small), -1)
    waves[:, 0] = 0  # the mean brightness
    bits = waves > np.median(waves, axis=1, keepdims=True)
    packed = np.packbits(bits, axis=1).view(np.uint64).ravel()
    return packed, np.asarray(small.std(axis=(1, 2)) > _FLAT)


def close_pairs(left: "Hashes", right: "Hashes", distance: int) -> "NDArray[np.int64]":
    """[P, 2], places in both of all pairs of at most this many different bits."""
    return _search(left, right, distance, lambda start: 0)


def close_within(hashes: "Hashes", distance: int) -> "NDArray[np.int64]":
    """[P, 2], places of all such pairs of one list, the smaller place first."""
    found = _search(hashes, hashes, distance, lambda start: start)
    return found[found[:, 0] < found[:, 1]]


def _search(
    left: "Hashes", right: "Hashes", distance: int, first: Callable[[int], int]
) -> "NDArray[np.int64]":
    """Compare blocks of ``left`` with ``right`` from place ``first(start)`` on."""

    def block(start: int) -> "NDArray[np.int64]":
        found = [np.zeros((0, 2), dtype=np.int64)]
        some = left[start : start + _BLOCK, None]
        for offset in range(first(start), len(right), _CHUNK):
            bits = np.bitwise_count(some ^ right[None, offset : offset + _CHUNK])
            if bits.min() <= distance:
                found.append(np.argwhere(bits <= distance) + (start, offset))
        return np.concatenate(found)

    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
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
