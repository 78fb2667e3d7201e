"""Ctrl-C that waits for the end of a step, so that no checkpoint holds half an update."""

import os
import signal
import threading
from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """While in its context, the first Ctrl-C or SIGTERM asks to stop; the second stops at once.

    Attributes:
        asked: whether somebody pressed Ctrl-C, or a scheduler ends the job.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}
        self._process = os.getpid()

    def __enter__(self) -> "StopRequest":
        # only the main thread may handle signals; in others Ctrl-C never arrives anyway
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in _SIGNALS}
        return self

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # forked meanwhile, and to be ended by who forked it
            os._exit(128 + number)
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]
