"""One stage of a run, told to the observer a few times a second."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mmx.runs import Observer, Progress

JobProgress = Callable[[int, int], None]
_INTERVAL = 0.1  # seconds between two reports


@contextmanager
def stage(observer: Observer, name: str, unit: str) -> Iterator[JobProgress]:
    """Gives a function that takes how many are done and how many there are."""
    start, last = time.monotonic(), 0.0

    def told(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _INTERVAL and done < total:
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

    yield told
