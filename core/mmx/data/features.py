"""Feature cache: a frozen encoder never runs twice on the same input.

Everything that decides a feature is in its key: weights and buffers of the encoder (normalisation
included), its settings, precision and type as the name of a folder; content, size and fit of the
input as the key of each entry. Inputs that are equal are encoded once. Several runs may use one
folder at a time: a lock per key lets one of them encode, while those that miss something wait and
then read; those that miss nothing read at once.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from filelock import BaseFileLock, FileLock
from numpy.typing import DTypeLike

from mmx.blocks.weights import state_digest
from mmx.data.cached import CachedFeatures, Stream
from mmx.data.encoding import Encoding, Keyed, Precision
from mmx.data.shards import Shard, ShardWriter, open_shards, remove_torn
from mmx.errors import DataError
from mmx.interfaces import Encoder

FORMAT = 2  # of the files; another number is another key
KINDS = ("pooled", "tokens", "levels")
GIB = 1 << 30

Progress = Callable[[int, int], None]


class FeatureCache:
    """A folder of encoded inputs with a size budget.

    Attributes:
        folder: made when it is first needed.
        budget_gb: GiB that the folder may hold in all; more is refused, never deleted in silence.
    """

    def __init__(self, folder: str | Path, *, budget_gb: float) -> None:
        self.folder, self.budget_gb = Path(folder), budget_gb
        self._checked: dict[Path, Shard] = {}

    def encode(
        self,
        encoder: Encoder,
        params_json: str,
        source: Keyed,
        rows: Sequence[int],
        *,
        want: frozenset[str],
        batch_size: int = 64,
        progress: Progress | None = None,
        dtype: DTypeLike = np.float16,
        precision: Precision = "fp32",
    ) -> CachedFeatures:
        """Features of these rows; the encoder runs only on inputs that are not stored yet.

        Args:
            encoder: frozen; it runs in eval mode, and its mode comes back after.
            params_json: its settings, and whatever else decides its features, such as its source.
            source: gives inputs and their keys.
            rows: rows of the source.
            want: what the model reads: pooled, tokens, levels (image levels as at most 4 x 4
                tokens).
            batch_size: inputs encoded at a time.
            progress: called with inputs done and in all, of those that must be encoded.
            dtype: type of the numbers on disk.
            precision: bf16 runs the encoder under autocast, channels last; part of the key.

        Raises:
            DataError: the budget is too small, a feature does not fit ``dtype``, or the folder
                cannot be written.
        """
        kinds = _known_kinds(want)
        numbers = np.dtype(dtype)
        place = self.folder / _key(encoder, params_json, precision, numbers)
        with _writable(self.folder):
            shards, damaged = self._open(place)
            lacking, missing = _missing(shards, source, rows, kinds)
            if missing:  # whoever misses nothing never waits for one that encodes
                with _alone(place, "encoding"):
                    remove_torn(place)
                    shards, _ = self._open(place)  # another one may have encoded them meanwhile
                    lacking, missing = _missing(shards, source, rows, kinds)
                    if missing:
                        run = Encoding(
                            encoder, source, missing, lacking, numbers, precision, batch_size
                        )
                        shards = self._encode(place, run, progress or _silent)
        streams = {kind: Stream(kind, shards, source.keys) for kind in kinds}
        distinct = len({source.keys[row] for row in rows})
        return CachedFeatures(
            streams, encoded=len(missing), hits=distinct - len(missing), damaged=damaged
        )

    def _open(self, place: Path) -> tuple[list[Shard], int]:
        """All good shards of a key's folder, and how many were damaged."""
        with _alone(place, "lock"):
            return open_shards(place, self._checked)

    def _encode(self, place: Path, run: Encoding, progress: Progress) -> list[Shard]:
        """Encode into a new shard; all shards of the folder."""
        with _Writing(place, self._room(), self.budget_gb) as writing:
            writing.collect(run, progress)
        return self._open(place)[0]

    def _room(self) -> int:
        """Bytes that the budget leaves."""
        used = sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())
        return int(self.budget_gb * GIB) - used


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Say in plain words that the cache cannot be written, and what to do."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"features cannot be kept in {folder}: {error}; if the disk is full, make room; or "
            "name another folder with data.cache.folder or MMX_CACHE"
        ) from error


def _alone(place: Path, name: str) -> BaseFileLock:
    """A lock in one key's folder, which is made."""
    place.mkdir(parents=True, exist_ok=True)
    return FileLock(place / name)


def _silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


def _known_kinds(want: frozenset[str]) -> list[str]:
    unknown = sorted(want - set(KINDS))
    if unknown or not want:
        raise DataError(f"features to keep must be some of {', '.join(KINDS)}; got {sorted(want)}")
    return [kind for kind in KINDS if kind in want]


def _key(encoder: Encoder, params_json: str, precision: Precision, dtype: np.dtype[Any]) -> str:
    """Name of the folder: digest of everything but the inputs that decides a feature."""
    others = {k: v for k, v in encoder.weights.items() if k not in ("origin", "sha256")}
    parts = [FORMAT, state_digest(encoder), params_json, precision, dtype.str, others]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _missing(
    shards: Sequence[Shard], source: Keyed, rows: Sequence[int], kinds: Sequence[str]
) -> tuple[list[str], list[int]]:
    """Kinds that some input lacks, and one row of the source for each such input."""
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(source.keys[row], int(row))
    lacking, missing = [], dict[str, int]()
    for kind in kinds:
        stored = {k for s in shards if f"{kind}.present" in s.arrays for k in s.keys}
        absent = {key: row for key, row in first.items() if key not in stored}
        lacking += [kind] if absent else []
        missing |= absent
    return lacking, [row for key, row in first.items() if key in missing]


class _Writing:
    """A shard in the making that keeps to a budget; published when its block ends well."""

    def __init__(self, place: Path, room: int, budget_gb: float) -> None:
        self.writer, self.room, self.budget_gb = ShardWriter(place), room, budget_gb
        self.keys: list[str] = []

    def __enter__(self) -> "_Writing":
        return self

    def __exit__(self, error: object, *_: object) -> None:
        if error is None:
            self.writer.publish(self.keys)
        else:
            self.writer.discard()

    def collect(self, run: Encoding, progress: Progress) -> None:
        """Encode and append batch by batch."""
        for rows, arrays in run.batches():
            for name, values in arrays:
                self.writer.append(name, values)
            self.keys += [run.source.keys[row] for row in rows]
            self._check(len(run.rows))
            progress(len(self.keys), len(run.rows))

    def _check(self, total: int) -> None:
        """Refuse as soon as what is written so far says that all will not fit."""
        needed = ceil(self.writer.written / len(self.keys) * total)
        if needed <= self.room:
            return
        used = self.budget_gb * GIB - self.room
        raise DataError(
            f"caching these features needs {needed / GIB:.2f} GiB, and {used / GIB:.2f} GiB of the "
            f"budget of {self.budget_gb:g} GiB are in use. Set data.cache.budget_gb to at least "
            f"{(needed + used) / GIB:.2f}, delete old entries of {self.writer.place.parent}, or "
            "choose a smaller image or a fusion that reads pooled features only"
        )
