"""The board of a study: one line for each arm, and the time left."""

import time
from collections.abc import Mapping

from mmx.runs import Observer, Progress
from mmx.study.executor import JobProgress
from mmx.study.job import JobResult


class Board:
    """Tells the observer how far each arm is.

    Args:
        observer: is told.
        arm_of: arm by key of its runs.
        todo: keys of the runs that are not finished.
    """

    def __init__(self, observer: Observer, arm_of: Mapping[str, str], todo: set[str]) -> None:
        self._observer, self._start = observer, time.monotonic()
        self._arm = dict(arm_of)
        names = list(dict.fromkeys(self._arm.values()))
        self._total = {name: sum(arm == name for arm in self._arm.values()) for name in names}
        self._left = set(todo)
        self._todo = len(todo)
        self._done = {
            name: sum(arm == name and key not in todo for key, arm in self._arm.items())
            for name in names
        }
        for name in names:
            self._show(name)

    def heard(self, event: JobProgress | JobResult) -> None:
        """Draw what happened."""
        name = self._arm[event.key]
        if isinstance(event, JobResult):
            self._left.discard(event.key)
            self._done[name] += 1
            self._show(name)
        else:
            self._show(name, {event.stage: event.share})

    def leave(self, keys: set[str]) -> None:
        """Runs that will not be made: their arms were screened out."""
        self._left -= keys
        self._todo -= len(keys)
        for key in keys:
            self._total[self._arm[key]] -= 1

    def control(self, event: JobProgress | JobResult) -> None:
        """Draw what happened to a control; its failure is told and leaves the rest alone."""
        if isinstance(event, JobResult) and event.error:
            self._observer.message(f"control {event.key} failed: {event.error}")

    def _show(self, name: str, values: dict[str, float] | None = None) -> None:
        ended = self._todo - len(self._left)
        each = (time.monotonic() - self._start) / ended if ended else None
        mine = sum(self._arm[key] == name for key in self._left)
        left = each * len(self._left) if each is not None and mine else None
        self._observer.progress(
            Progress(name, self._done[name], self._total[name], "run", 0.0, left, values or {})
        )
