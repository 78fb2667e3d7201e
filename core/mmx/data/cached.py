"""Cached features: what a frozen encoder made of each row, read from memory maps batch by batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmx.data.shards import Shard
from mmx.errors import DataError
from mmx.interfaces import Features


class TokenArrays:
    """Token arrays of one shard, one input after the other.

    Attributes:
        tokens: [total, D].
        real: [total], which of them are real tokens; masked ones keep the places of the others.
        lengths: how many places each input has, up to its last real token.
    """

    def __init__(
        self, tokens: NDArray[Any], real: NDArray[np.bool_], lengths: NDArray[np.generic]
    ) -> None:
        self.tokens, self.real = tokens, real
        self.lengths = np.asarray(lengths, dtype=np.int64)
        self.starts = np.cumsum(self.lengths) - self.lengths
        same = len(self.lengths) > 0 and bool((self.lengths == self.lengths[0]).all())
        self.equal = int(self.lengths[0]) if same else 0

    def fill(
        self, out: NDArray[Any], mask: NDArray[np.bool_], at: NDArray[np.int64], to: Any
    ) -> None:
        """Write the inputs ``at`` into rows ``to`` of ``out`` [B, N, D] and ``mask`` [B, N]."""
        if self.equal:
            stacked = self.tokens.reshape(-1, self.equal, self.tokens.shape[1])
            out[to, : self.equal] = stacked[at]
            mask[to, : self.equal] = self.real.reshape(-1, self.equal)[at]
            return
        columns = np.arange(mask.shape[1])
        own = columns < self.lengths[at][:, None]
        indices = (self.starts[at][:, None] + columns)[own]
        values, real = np.zeros((len(at), *out.shape[1:]), out.dtype), np.zeros_like(own)
        values[own], real[own] = self.tokens[indices], self.real[indices]
        out[to], mask[to] = values, real


class Stream:
    """One kind of stored features (pooled, tokens or levels) over all shards that hold it.

    Attributes:
        present: [n], bool, whether each row that is stored has anything to encode.
    """

    def __init__(self, kind: str, shards: Sequence[Shard], keys: Sequence[str]) -> None:
        self.kind = kind
        self.shards = [shard for shard in shards if f"{kind}.present" in shard.arrays]
        wanted = {*keys}  # a cache may hold many more
        index = {
            key: (number, row)
            for number, shard in enumerate(self.shards)
            for row, key in enumerate(shard.keys)
            if key in wanted
        }
        found = np.array([index.get(key, (-1, -1)) for key in keys], dtype=np.int64).reshape(-1, 2)
        self.shard, self.row = found[:, 0], found[:, 1]
        self.present = np.zeros(len(keys), dtype=bool)
        stored = np.flatnonzero(self.shard >= 0)
        for number, at, to in self.groups(stored) if len(stored) else ():
            self.present[stored[to]] = self.shards[number].arrays[f"{kind}.present"][at]
        self._ragged: dict[tuple[int, str], TokenArrays] = {}

    def has(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """[B], whether each row is stored."""
        found: NDArray[np.bool_] = self.shard[rows] >= 0
        return found

    def groups(
        self, rows: NDArray[np.int64]
    ) -> "list[tuple[int, NDArray[np.int64], NDArray[np.int64]]]":
        """Shard, places in it, and places in the batch, for each shard that the rows need."""
        owner = self.shard[rows]
        order = np.argsort(owner, kind="stable")
        places, ordered = self.row[rows[order]], owner[order]
        starts = [0, *(np.flatnonzero(np.diff(ordered)) + 1).tolist()]
        ends = [*starts[1:], len(rows)]
        return [
            (int(ordered[start]), places[start:end], order[start:end])
            for start, end in zip(starts, ends, strict=True)
        ]

    def vectors(self, name: str, rows: NDArray[np.int64]) -> Tensor:
        """[B, ...] of an array with one entry per input, as it is stored."""
        first = self.shards[int(self.shard[rows[0]])].arrays[name]
        out = np.empty((len(rows), *first.shape[1:]), first.dtype)
        for number, at, to in self.groups(rows):
            out[to] = self.shards[number].arrays[name][at]
        return torch.from_numpy(out)

    def tokens(self, name: str, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """[B, N, D] float32 and mask [B, N]; N is the most places in these rows, at least 1."""
        groups = self.groups(rows)
        parts = [(self._open(number, name), at, to) for number, at, to in groups]
        longest = max(1, *(int(part.lengths[at].max()) for part, at, _ in parts))
        array = parts[0][0].tokens
        out = np.zeros((len(rows), longest, array.shape[1]), array.dtype)
        mask = np.zeros((len(rows), longest), np.bool_)
        for part, at, to in parts:
            part.fill(out, mask, at, to)
        return torch.from_numpy(out).float(), torch.from_numpy(mask)

    def _open(self, number: int, name: str) -> TokenArrays:
        if (number, name) not in self._ragged:
            arrays = self.shards[number].arrays
            kept = (arrays[one] for one in (name, f"{name}.real", f"{name}.lengths"))
            self._ragged[number, name] = TokenArrays(*kept)
        return self._ragged[number, name]

    @property
    def depth(self) -> int:
        """How many levels are stored."""
        names = self.shards[0].arrays if self.shards else {}
        return sum(name.startswith("levels.") and name.endswith(".pooled") for name in names)


class CachedFeatures:
    """Features of rows, from the cache.

    Without stored tokens the pooled vector stands as the only token; without a stored pooled vector
    it is the mean of the tokens.

    Attributes:
        encoded: inputs that the encoder ran on for this call.
        hits: distinct inputs that were there already.
        damaged: shards that were found damaged and thrown away.
    """

    def __init__(
        self, streams: Mapping[str, Stream], *, encoded: int, hits: int, damaged: int
    ) -> None:
        self._streams = streams
        self.encoded = encoded
        self.hits = hits
        self.damaged = damaged

    def collate(self, rows: Sequence[int]) -> Features:
        """Features of these rows of the source, float32.

        Raises:
            DataError: a row that was not asked for when the cache was filled.
        """
        wanted = np.asarray(rows, dtype=np.int64)
        if len(wanted) == 0:
            raise DataError("no rows were asked for")
        for kind, stream in self._streams.items():
            if not stream.has(wanted).all():
                missing = wanted[~stream.has(wanted)][:4].tolist()
                raise DataError(f"{kind} of rows {missing} are not in the cache; encode them first")
        return self._gather(wanted)

    def _gather(self, rows: NDArray[np.int64]) -> Features:
        streams = self._streams
        stream = next(iter(streams.values()))
        present = torch.from_numpy(stream.present[rows])
        levels = tuple[Features, ...]()
        if "levels" in streams:
            levels = _levels(streams["levels"], rows, present)
        pooled = streams["pooled"].vectors("pooled", rows).float() if "pooled" in streams else None
        if "tokens" in streams:
            tokens, mask = streams["tokens"].tokens("tokens", rows)
        elif pooled is None:
            tokens, mask = levels[-1].tokens, levels[-1].mask
        else:
            tokens, mask = pooled[:, None], present[:, None]
        if pooled is None:
            return Features(tokens, mask, levels=levels, present=present)
        return Features(tokens, mask, pooled, levels=levels, present=present)


def _levels(stream: Stream, rows: NDArray[np.int64], present: Tensor) -> tuple[Features, ...]:
    """Levels from shallow to deep."""
    levels = []
    for depth in range(stream.depth):
        tokens, mask = stream.tokens(f"levels.{depth}", rows)
        pooled = stream.vectors(f"levels.{depth}.pooled", rows).float()
        levels.append(Features(tokens, mask, pooled, present=present))
    return tuple(levels)
