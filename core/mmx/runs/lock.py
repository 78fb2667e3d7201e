"""One process at a time in a run directory."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from mmx.errors import RunError
from mmx.files import Hold
from mmx.runs.progress import Observer

LOCK = ".lock"
LOCKS = (LOCK, f"{LOCK}.by")


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
    with ExitStack() as stack:
        try:
            stack.enter_context(_taken(Hold(folder / LOCK), folder, observer, wait))
        except OSError as error:
            raise RunError(f"{folder / LOCK} cannot be opened: {error}") from error
        yield


def _taken(
    hold: Hold, folder: Path, observer: Observer, wait: bool
) -> AbstractContextManager[None]:
    def told(owner: str) -> None:
        busy = f"{owner} is working on {folder}"
        if not wait:
            raise RunError(f"{busy}; wait until it ends, or stop it")
        observer.message(f"{busy}, which is the same spec; waiting until it ends")

    return hold.later(told)
