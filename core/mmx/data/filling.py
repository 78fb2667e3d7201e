"""Encoding what a cache lacks, batch by batch, beside other processes that do the same.

A batch is claimed by a lock named after its inputs, so that work on other inputs never waits and
processes with the same inputs share the work: who finds a batch claimed takes the next one. Of
shards that hold many inputs, whole ones are claimed (``batch_claims``). What is
encoded is published every two seconds; a process that is killed loses no more than that. Small
shards are joined while the folder grows, so that there are never many.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmx.data.batch_claims import FileClaims, InputBatch, cut_batches, forget
from mmx.data.cache_budget import CacheBudget
from mmx.data.encoding import Encoding
from mmx.data.shard_joining import join_small
from mmx.data.shards import Shard, ShardWriter, open_shards, shard_folders
from mmx.files import Busy, Hold

PUBLISH = 2.0  # seconds of work that a killed process may lose
CLAIMS = "claims"

Progress = Callable[[int, int], None]
Waiting = Callable[[str], None]


class Filling:
    """Fills one folder of shards with the rows that it lacks.

    Attributes:
        encoded: inputs that this process encoded.
        written: bytes that it wrote.
    """

    def __init__(
        self,
        root: Path,
        work: Encoding,
        missing: Sequence[int],
        batch_size: int,
        known: dict[Path, Shard],
        budget: CacheBudget,
    ) -> None:
        """Cut the missing rows into batches.

        Args:
            root: folder of the shards.
            work: the encoder and its source.
            missing: one row for each input that is lacking.
            batch_size: inputs that are encoded at a time.
            known: shards that this process has opened.
            budget: is told how many bytes all of it will need, before they are published.
        """
        self.root = root
        self.work = work
        self.total = len(missing)
        self.encoded = self.written = 0
        self._known, self._budget = known, budget
        self._left = cut_batches(work.source, missing, batch_size)
        self._files = FileClaims()
        self._done = 0
        self._seen: set[Path] = set()
        self._stored: dict[str, set[str]] = {kind: set() for kind in work.kinds}

    def fill(self, progress: Progress, waiting: Waiting) -> None:
        """Encode until nothing is left.

        Args:
            progress: called with inputs done and in all.
            waiting: told for whom we wait, when all that is left is in the hands of others.
        """
        try:
            while self._left:
                if not self._publish_some(progress):
                    self._wait(waiting)
                    self._drop_stored()
                    progress(self._done, self.total)
        finally:
            self._files.leave(())

    def _publish_some(self, progress: Progress) -> bool:
        """Encode and publish batches for about two seconds; False when all are claimed."""
        late, claimed = time.monotonic() + PUBLISH, False
        with ExitStack() as claims:
            claims.callback(lambda: self._files.leave(self._left))
            writer: _Piece | None = None
            try:
                for batch in list(self._left):
                    if not self._claim(batch, claims):
                        continue
                    claimed = True
                    self._left.remove(batch)
                    self._done += len(batch.rows)
                    rows = self._lacking(batch)
                    if rows:
                        writer = writer or _Piece(self.root)
                        self._encode(writer, rows)
                    progress(self._done, self.total)
                    if time.monotonic() >= late:
                        break
            except BaseException:
                if writer:
                    writer.discard()
                raise
            if writer:
                writer.publish()
                join_small(self.root, self._known, room=self._budget.left, fresh=False)
        return claimed

    def _encode(self, writer: "_Piece", rows: list[int]) -> None:
        arrays = self.work.arrays(rows)
        self.written += writer.append([self.work.source.keys[row] for row in rows], arrays)
        self.encoded += len(rows)
        self._budget.check(ceil(self.written / self.encoded * self.total))

    def _claim(self, batch: InputBatch, claims: ExitStack) -> bool:
        file = self._claim_file(batch)
        if batch.file:
            return self._files.take(batch.file, file)
        try:
            claims.enter_context(Hold(file).now())
        except Busy:
            return False
        claims.callback(forget, file)
        return True

    def _claim_file(self, batch: InputBatch) -> Path:
        (self.root / CLAIMS).mkdir(parents=True, exist_ok=True)
        keys = batch.file or "\0".join(self.work.source.keys[row] for row in batch.rows)
        kinds = ",".join(self.work.kinds)
        name = hashlib.sha256(f"{kinds}\0{keys}".encode()).hexdigest()[:32]
        return self.root / CLAIMS / f"{name}.lock"

    def _wait(self, waiting: Waiting) -> None:
        """Wait until the first batch that is left is free."""
        file = self._claim_file(self._left[0])

        def told(owner: str) -> None:
            waiting(
                f"waiting for {owner}, which is encoding the same inputs; "
                f"{self.total - self._done} of {self.total} are left"
            )

        with Hold(file).later(told):
            forget(file)

    def _lacking(self, batch: InputBatch) -> list[int]:
        """Rows of a batch that nobody has published meanwhile."""
        self._look()
        keys, kinds = self.work.source.keys, self._stored.values()
        return [row for row in batch.rows if not all(keys[row] in stored for stored in kinds)]

    def _look(self) -> None:
        """Take note of what was published since the last look."""
        new = {*shard_folders(self.root)} - self._seen
        if not new:
            return
        self._seen |= new
        for shard in open_shards(self.root, self._known)[0]:
            for kind, stored in self._stored.items():
                if shard.folder in new and f"{kind}.present" in shard.arrays:
                    stored.update(shard.keys)

    def _drop_stored(self) -> None:
        lacking = [batch for batch in self._left if self._lacking(batch)]
        self._left = lacking
        self._done = self.total - sum(len(batch.rows) for batch in lacking)


class _Piece:
    """A shard in the making."""

    def __init__(self, root: Path) -> None:
        self._writer, self._keys = ShardWriter(root), list[str]()

    def append(self, keys: list[str], arrays: Sequence[tuple[str, NDArray[np.generic]]]) -> int:
        """Append a batch; bytes that were written."""
        before = self._writer.written
        for name, values in arrays:
            self._writer.append(name, values)
        self._keys += keys
        return self._writer.written - before

    def publish(self) -> None:
        """Let others find it."""
        self._writer.publish(self._keys)

    def discard(self) -> None:
        """Throw it away."""
        self._writer.discard()
