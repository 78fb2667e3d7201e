"""All pairs of hashes that lie close together, without comparing every two of them.

Two hashes that differ in at most d of 64 bits, cut into four parts, differ in at most d // 4 bits
of one part at least. So each hash is compared only with those that share a part with it, or nearly.

Source: Norouzi, Punjani, Fleet 2012, Fast search in Hamming space with multi-index hashing.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Ints = NDArray[np.int64]

_PARTS, _BITS = 4, 16
_AT_ONCE = 1 << 20  # pairs


def thread_count() -> int:
    """How many threads compare hashes and make pictures small."""
    return min(os.cpu_count() or 1, 8)


def near_pairs(left: "Hashes", right: "Hashes", distance: int) -> "Ints":
    """[P, 2], places in both of all pairs of at most this many different bits, in order."""
    radius, rest = divmod(distance, _PARTS)
    parts, others = _parts(left), _parts(right)
    found = [np.zeros((0, 2), dtype=np.int64)]
    with ThreadPoolExecutor(thread_count()) as pool:
        for part in range(_PARTS):
            # were all parts further apart than this, so would be the whole by one bit
            most = radius if part <= rest else radius - 1
            buckets = _Buckets(right, others[part])
            order = np.argsort(parts[part], kind="stable")
            compare = partial(buckets.near, left[order], parts[part][order], distance)
            for pairs in pool.map(compare, _flips(most)):
                found.append(np.stack([order[pairs[:, 0]], pairs[:, 1]], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _parts(hashes: "Hashes") -> "Ints":
    """[4, n], every fourth bit, so that slow waves, which differ least, are in all of them."""
    whole = np.ascontiguousarray(hashes)  # rows that were picked of several views lie apart
    bits = np.unpackbits(whole.view(np.uint8).reshape(-1, 8), axis=1)
    strided = bits.reshape(len(hashes), _BITS, _PARTS).transpose(2, 0, 1)
    packed = np.packbits(np.ascontiguousarray(strided), axis=2)
    return packed.view(np.uint16)[:, :, 0].astype(np.int64)


def _flips(most: int) -> Iterator[int]:
    """Numbers of 16 bits of which at most so many are set."""
    for count in range(most + 1):
        for places in combinations(range(_BITS), count):
            yield sum(1 << place for place in places)


class _Buckets:
    """Hashes by one of their parts."""

    def __init__(self, hashes: "Hashes", part: "Ints") -> None:
        self._order = np.argsort(part, kind="stable")
        self._hashes = hashes[self._order]
        self._starts = np.searchsorted(part[self._order], np.arange((1 << _BITS) + 1))

    def near(self, left: "Hashes", part: "Ints", distance: int, flip: int) -> "Ints":
        """[P, 2], pairs of this distance whose parts are equal once ``flip`` is applied."""
        start, stop = self._starts[part ^ flip], self._starts[(part ^ flip) + 1]
        ends = np.cumsum(stop - start)
        found = [np.zeros((0, 2), dtype=np.int64)]
        first = done = 0
        while first < len(left):
            last = int(np.searchsorted(ends, done + _AT_ONCE, side="right"))
            last = max(last, first + 1)
            counts = (stop - start)[first:last]
            at = np.repeat(np.arange(first, last), counts)
            # the places of each bucket, one after the other
            jumps = start[first:last] - (ends[first:last] - counts - done)
            to = np.arange(len(at)) + np.repeat(jumps, counts)
            close = np.bitwise_count(left[at] ^ self._hashes[to]) <= distance
            found.append(np.stack([at[close], self._order[to[close]]], axis=1))
            first, done = last, int(ends[last - 1])
        return np.concatenate(found)
