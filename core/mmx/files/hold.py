"""Locks between processes, on every system: the holder's death releases them."""

import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mmx.files.regular import read_regular

_POLL = 0.05  # seconds between two tries of one that waits


class Busy(Exception):
    """Another process holds the lock; ``str`` says which."""


class Hold:
    """The lock of one file.

    The lock is a file that stays; who holds it stands beside it in ``FILE.by``, for a file that is
    locked cannot be read everywhere.
    """

    def __init__(self, file: Path) -> None:
        from filelock import FileLock  # 11 ms that lists and help need not wait for

        self._file, self._lock = file, FileLock(file)
        self._by = file.with_name(f"{file.name}.by")

    @contextmanager
    def now(self) -> Iterator[None]:
        """Hold it for the block.

        Raises:
            Busy: another process holds it.
            OSError: it cannot be made.
        """
        self._take(0)
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def later(self, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold it for the block; ``waiting`` is told who must be waited for, if anybody."""
        try:
            self._take(0)
        except Busy as busy:
            waiting(str(busy))
            self._take(-1)  # Ctrl-C ends the wait
        try:
            yield
        finally:
            self._leave()

    def _take(self, seconds: float) -> None:
        from filelock import Timeout  # with the lock

        try:
            self._lock.acquire(timeout=seconds, poll_interval=_POLL)
        except Timeout:
            raise Busy(self.owner) from None
        with suppress(OSError):
            self._by.write_text(
                json.dumps({"process": os.getpid(), "machine": platform.node()}), encoding="utf-8"
            )

    def _leave(self) -> None:
        with suppress(OSError):
            self._by.unlink(missing_ok=True)
        self._lock.release()

    @property
    def owner(self) -> str:
        """Who holds it, or held it last: ``process 12`` and the machine where it is another."""
        try:
            who = json.loads(read_regular(self._by, limit=4096))
            where = "" if who["machine"] == platform.node() else f" on {who['machine']}"
            return f"process {int(who['process'])}{where}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"
