"""Feature cache: a frozen encoder never runs twice on the same input.

Everything that decides a feature is in its key: weights and buffers of the encoder (normalisation
included), its settings, precision and type as the name of a folder; content, size and fit of the
input as the key of each entry. Inputs that are equal are encoded once. Several runs may use one
folder at a time: batches are shared out among those that miss the same inputs, nobody waits for
work on other inputs, and what is encoded is published as it comes.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mmx.blocks import state_digest
from mmx.data.cache_budget import CacheBudget
from mmx.data.cached import CachedFeatures, Stream
from mmx.data.encoding import Encoding, FrozenEncoder, KeyedInputs
from mmx.data.filling import Filling
from mmx.data.shard_joining import join_small
from mmx.data.shards import Shard, open_shards, remove_torn
from mmx.errors import DataError
from mmx.files import own_folder

FORMAT = 2  # of the files; another number is another key
KINDS = ("pooled", "tokens", "levels")

Progress = Callable[[int, int], None]
Waiting = Callable[[str], None]


class FeatureCache:
    """A folder of encoded inputs with a size budget.

    Attributes:
        folder: mmx's own; made and marked when it is first needed.
        budget_gb: GiB that the folder may hold in all; more is refused, never deleted in silence.
    """

    def __init__(self, folder: str | Path, *, budget_gb: float) -> None:
        self.folder = Path(folder)
        self.budget_gb = budget_gb
        self._checked: dict[Path, Shard] = {}

    def encode(
        self,
        frozen: FrozenEncoder,
        source: KeyedInputs,
        rows: Sequence[int],
        *,
        want: frozenset[str],
        progress: Progress | None = None,
        waiting: Waiting | None = None,
    ) -> CachedFeatures:
        """Features of these rows; the encoder runs only on inputs that are not stored yet.

        Args:
            frozen: the encoder and how it runs; all but its batch size is part of the key.
            source: gives inputs and their keys.
            rows: rows of the source.
            want: what the model reads: pooled, tokens, levels (image levels as at most 4 x 4
                tokens).
            progress: called with inputs done and in all, of those that must be encoded.
            waiting: told in words for whom we wait, when others encode the same inputs.

        Raises:
            DataError: the budget is too small, a feature does not fit the type, or the folder
                cannot be written.
        """
        kinds = _known_kinds(want)
        root = self.folder / _key(frozen)
        with _writable(self.folder):
            own_folder(self.folder)
            root.mkdir(parents=True, exist_ok=True)
            shards, damaged = open_shards(root, self._checked)
            lacking, missing = _missing(shards, source, rows, kinds)
            encoded = 0
            if missing:
                work = Encoding(frozen, source, lacking)
                encoded = self._fill(root, work, missing, progress, waiting)
            shards = join_small(root, self._checked, room=self._left, fresh=encoded > 0)
        streams = {kind: Stream(kind, shards, source.keys) for kind in kinds}
        distinct = len({source.keys[row] for row in rows})
        return CachedFeatures(streams, encoded=encoded, hits=distinct - encoded, damaged=damaged)

    def _fill(
        self,
        root: Path,
        work: Encoding,
        missing: Sequence[int],
        progress: Progress | None,
        waiting: Waiting | None,
    ) -> int:
        """Encode what is missing in a folder of shards; gives how many inputs this process did."""
        remove_torn(root)
        budget = CacheBudget(self.folder, self.budget_gb)
        size = work.frozen.batch_size
        filling = Filling(root, work, missing, size, self._checked, budget)
        filling.fill(progress or _silent, waiting or _silent_wait)
        return filling.encoded

    def _left(self) -> int:
        return CacheBudget(self.folder, self.budget_gb).left()


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


def _key(frozen: FrozenEncoder) -> str:
    """Name of the folder: digest of everything but the inputs that decides a feature."""
    weights = frozen.encoder.weights
    others = {k: v for k, v in weights.items() if k not in ("origin", "sha256")}
    dtype = np.dtype(frozen.dtype).str
    state = state_digest(frozen.encoder)
    parts = [FORMAT, state, frozen.settings, frozen.precision, dtype, others]
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
