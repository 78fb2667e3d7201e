"""Which batches a process takes: of files that hold many inputs, each file is read by one process.

A process that takes the first batch of a file claims the file, and keeps it until all its batches
are published. So several processes read disjoint shards, whatever their number and speed. Where
there are fewer files than processes might want, and for inputs in files of their own, the batches
alone are claimed.
"""

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from mmx.data.encoding import FiledInputs, KeyedInputs
from mmx.files import Busy, Hold

FEWEST = 8  # files; of fewer some process might get none


@dataclass(frozen=True, slots=True)
class InputBatch:
    """Inputs that are encoded together.

    Attributes:
        rows: of the source.
        file: that all of them lie in; empty where batches are claimed one by one.
    """

    rows: tuple[int, ...]
    file: str = ""


def cut_batches(source: KeyedInputs, rows: Sequence[int], size: int) -> list[InputBatch]:
    """Rows in batches; none has rows of two files that are claimed as a whole."""
    files = [source.file_of(row) for row in rows] if isinstance(source, FiledInputs) else []
    together: dict[str, list[int]] = {}
    if len({*files}) >= FEWEST and all(files):
        for row, file in zip(rows, files, strict=True):
            together.setdefault(file, []).append(row)
    return [
        InputBatch(tuple(some[start : start + size]), file)
        for file, some in (together or {"": [*rows]}).items()
        for start in range(0, len(some), size)
    ]


class FileClaims:
    """The files that this process has claimed."""

    def __init__(self) -> None:
        self._held: dict[str, ExitStack] = {}
        self._refused: set[str] = set()

    def take(self, file: str, lock: Path) -> bool:
        """Whether a file is ours, now or since before; another one is asked for once a turn."""
        if file in self._held or file in self._refused:
            return file in self._held
        stack = ExitStack()
        try:
            stack.enter_context(Hold(lock).now())
        except Busy:
            self._refused.add(file)
            return False
        stack.callback(forget, lock)  # while it is held
        self._held[file] = stack
        return True

    def leave(self, left: Sequence[InputBatch]) -> None:
        """End a turn: release the files of which no batch is left."""
        self._refused.clear()
        still = {one.file for one in left}
        for file in [name for name in self._held if name not in still]:
            self._held.pop(file).close()


def forget(lock: Path) -> None:
    """Remove the lock of a claim; at worst two processes then encode one batch."""
    with suppress(OSError):
        lock.unlink(missing_ok=True)
