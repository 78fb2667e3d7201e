"""Ctrl-C that waits for the end of a step, so that no checkpoint holds half an update."""

import signal
import threading
from types import FrameType, TracebackType


class StopRequest:
    """While in its context, the first Ctrl-C only asks to stop; the second one stops at once.

    Attributes:
        asked: whether somebody pressed Ctrl-C.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: object = None

    def __enter__(self) -> "StopRequest":
        # only the main thread may handle signals; in others Ctrl-C never arrives anyway
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)  # type: ignore[arg-type]
