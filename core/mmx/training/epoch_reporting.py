"""Telling observer and event log how training goes, seldom enough to cost nothing."""

import time

from mmx.runs import Observer, Progress, RunFolder

PAUSE = 0.1  # seconds between two calls of the observer
EVENT_PAUSE = 1.0  # seconds between two lines of the event log within an epoch


class Reporter:
    """Reports steps and epochs of one session.

    Args:
        run: the run whose event log is written.
        observer: who watches.
        total: steps of the whole training.
        done: steps of earlier sessions.
        talks: False for all processes but the first.
    """

    def __init__(
        self, run: RunFolder, observer: Observer, total: int, done: int, talks: bool
    ) -> None:
        self.run = run
        self.observer = observer
        self.total = total
        self.talks = talks
        self._first, self._started = done, time.perf_counter()
        self._shown = self._logged = 0.0
        self._samples = 0
        self.scores: dict[str, float] = {}

    def due(self, samples: int) -> bool:
        """Count the samples of a step; whether a report is due."""
        self._samples += samples
        return self.talks and time.perf_counter() - self._shown >= PAUSE

    def step(self, step: int, loss: float, rate: float, *, log: bool) -> None:
        """Report a step; ``log`` writes it into the event log too, at most once a second."""
        now = time.perf_counter()
        self._shown = now
        elapsed = max(1e-9, now - self._started)
        left = elapsed / max(1, step - self._first) * (self.total - step)
        speed = self._samples / elapsed
        values = {"loss": loss, **self.scores}
        self.observer.progress(Progress("train", step, self.total, "step", speed, left, values))
        if log and now - self._logged >= EVENT_PAUSE:
            self._logged = now
            self.run.event("step", step=step, loss=loss, lr=rate, samples_per_second=speed)

    def event(self, kind: str, **values: object) -> None:
        """Write a line into the event log."""
        if self.talks:
            self.run.event(kind, **values)
