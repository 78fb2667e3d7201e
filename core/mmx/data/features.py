"""Feature cache: a frozen encoder never runs twice on the same input.

Everything that decides a feature is in its key: weights and buffers of the encoder (normalisation
included), its settings, precision and type as the name of a folder; content, size and fit of the
input as the key of each entry. Inputs that are equal are encoded once. Several runs may use one
folder at a time: batches are shared out among those that miss the same inputs, nobody waits for
work on other inputs, and what is encoded is published as it comes.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from mmx.blocks import state_digest
from mmx.data.cached import CachedFeatures, Stream
from mmx.data.encoding import Encoding, KeyedInputs, Precision
from mmx.data.filling import Filling
from mmx.data.joining import join_small
from mmx.data.shards import Shard, open_shards, remove_torn
from mmx.errors import DataError
from mmx.files import own_folder
from mmx.interfaces import Encoder

FORMAT = 2  # of the files; another number is another key
KINDS = ("pooled", "tokens", "levels")
GIB = 1 << 30

Progress = Callable[[int, int], None]
Waiting = Callable[[str], None]


class FeatureCache:
    """A folder of encoded inputs with a size budget.

    Attributes:
        folder: mmx's own; made and marked when it is first needed.
        budget_gb: GiB that the folder may hold in all; more is refused, never deleted in silence.
    """

    def __init__(self, folder: str | Path, *, budget_gb: float) -> None:
        self.folder, self.budget_gb = Path(folder), budget_gb
        self._checked: dict[Path, Shard] = {}

    def encode(
        self,
        encoder: Encoder,
        params_json: str,
        source: KeyedInputs,
        rows: Sequence[int],
        *,
        want: frozenset[str],
        batch_size: int = 64,
        progress: Progress | None = None,
        waiting: Waiting | None = None,
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
            waiting: told in words for whom we wait, when others encode the same inputs.
            dtype: type of the numbers on disk.
            precision: bf16 runs the encoder under autocast, channels last; part of the key.

        Raises:
            DataError: the budget is too small, a feature does not fit ``dtype``, or the folder
                cannot be written.
        """
        kinds = _known_kinds(want)
        numbers = np.dtype(dtype)
        with _writable(self.folder):
            own_folder(self.folder)
        root = self.folder / _key(encoder, params_json, precision, numbers)
        encoded = 0
        with _writable(self.folder):
            root.mkdir(parents=True, exist_ok=True)
            shards, damaged = open_shards(root, self._checked)
            lacking, missing = _missing(shards, source, rows, kinds)
            if missing:
                remove_torn(root)
                work = Encoding(encoder, source, lacking, numbers, precision)
                check = _Budget(self.folder, self.budget_gb).check
                filling = Filling(root, work, missing, batch_size, self._checked, check)
                filling.fill(progress or _silent, waiting or _silent_wait)
                encoded = filling.encoded
            shards = join_small(root, self._checked, room=self._room(), fresh=encoded > 0)
        streams = {kind: Stream(kind, shards, source.keys) for kind in kinds}
        distinct = len({source.keys[row] for row in rows})
        return CachedFeatures(streams, encoded=encoded, hits=distinct - encoded, damaged=damaged)

    def _room(self) -> int:
        return _Budget(self.folder, self.budget_gb).room


class _Budget:
    """What the budget of a folder leaves."""

    def __init__(self, folder: Path, budget_gb: float) -> None:
        self.folder, self.budget_gb = folder, budget_gb
        self.room = int(budget_gb * GIB) - sum(_sizes(folder))

    def check(self, needed: int) -> None:
        """Refuse as soon as what is written so far says that all will not fit.

        Raises:
            DataError: ``needed`` bytes are more than the room there was; says what to do.
        """
        if needed <= self.room:
            return
        used = self.budget_gb * GIB - self.room
        raise DataError(
            f"caching these features needs {needed / GIB:.2f} GiB, and {used / GIB:.2f} GiB of the "
            f"budget of {self.budget_gb:g} GiB are in use. Set data.cache.budget_gb to at least "
            f"{(needed + used) / GIB:.2f}, delete old entries of {self.folder}, or "
            "choose a smaller image or a fusion that reads pooled features only"
        )


def _sizes(folder: Path) -> Iterator[int]:
    """Bytes of each file below a folder, but for those that others take away meanwhile."""
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                yield os.stat(os.path.join(root, name)).st_size


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


def _silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


def _silent_wait(words: str) -> None:
    """Words that nobody hears."""


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
    shards: Sequence[Shard], source: KeyedInputs, rows: Sequence[int], kinds: Sequence[str]
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
