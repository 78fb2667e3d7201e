"""When a checkpoint is due."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

LEAST_PAUSE = 5.0  # seconds between checkpoints at the ends of short epochs: all a kill can cost
PAUSE_PER_COST = 20  # writing at the ends of epochs takes at most about 5 % of the time


class Pace:
    """Measures how long checkpoints take and how long ago the last one was.

    Args:
        minutes: between checkpoints inside an epoch; also the longest pause at the ends of epochs.
    """

    def __init__(self, minutes: float) -> None:
        self._longest = 60 * minutes
        self._saved, self._cost = time.perf_counter(), 0.0

    def due(self) -> bool:
        """Whether one is due in the middle of an epoch."""
        return time.perf_counter() - self._saved >= self._longest

    def due_after_epoch(self) -> bool:
        """Whether one is due at the end of an epoch, where less is lost by waiting."""
        pause = min(max(LEAST_PAUSE, PAUSE_PER_COST * self._cost), self._longest)
        return time.perf_counter() - self._saved >= pause

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Time the writing of a checkpoint."""
        started = time.perf_counter()
        yield
        self._saved = time.perf_counter()
        self._cost = self._saved - started
