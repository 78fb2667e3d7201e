"""One process at a time in a run directory."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmx.errors import RunError
from mmx.runs.progress import Observer

LOCK = ".lock"


@contextmanager
def locked(folder: Path, observer: Observer, *, wait: bool) -> Iterator[None]:
    """Hold the lock of a folder; the system releases it when the process dies, however it dies.

    Args:
        folder: the run directory.
        observer: is told when another process must be waited for.
        wait: False raises instead of waiting.

    Raises:
        RunError: another process holds it and ``wait`` is False, or it cannot be made.
    """
    file = folder / LOCK
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise RunError(f"{file} cannot be opened: {error}") from error
    try:
        _take(handle, folder, observer, wait)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)  # releases it


def _take(handle: int, folder: Path, observer: Observer, wait: bool) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(handle, 20, 0).decode(errors="replace") or "unknown"
        busy = f"process {owner} is working on {folder}"
        if not wait:
            raise RunError(f"{busy}; wait until it ends, or stop it") from error
        observer.message(f"{busy}, which is the same spec; waiting until it ends")
        fcntl.flock(handle, fcntl.LOCK_EX)  # Ctrl-C ends the wait
