"""One stage of a run, told to the observer a few times a second."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mmx.runs import Observer, Progress

JobProgress = Callable[[int, int], None]
_INTERVAL = 0.1  # seconds between two reports


@contextmanager
def stage(observer: Observer, name: str, unit: str) -> Iterator[JobProgress]:
    """Gives a function that takes how many are done and how many there are.

    The observer is told at once, before anybody knows how many there are: what is done first, such
    as opening a large table, may take long. Who counts from the start again starts the clock anew.
    """
    start, last = time.monotonic(), 0.0
    before = 0

    def told(done: int, total: int) -> None:
        nonlocal start, last, before
        now = time.monotonic()
        if done < before:
            start = now
        before = done
        if now - last < _INTERVAL and 0 < done < total:
            return
        last, seconds = now, max(now - start, 1e-9)
        left = seconds / done * (total - done) if done else None
        observer.progress(
            Progress(
                stage=name,
                done=done,
                total=total,
                unit=unit,
                rate=done / seconds,
                seconds_left=left,
                values={},
            )
        )

    told(0, 0)
    yield told
