"""SIGTERM, by which schedulers and services end a job, stops a run as Ctrl-C does."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def sigterm_stops() -> Iterator[None]:
    """While in this context, SIGTERM raises KeyboardInterrupt, so that a run ends in order.

    A program that handles SIGTERM itself keeps its way, and so does a thread that is not the main
    one, where no signal arrives.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    process = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:  # forked meanwhile, and to be ended by who forked it
            os._exit(128 + number)
        raise KeyboardInterrupt("ended by SIGTERM; run the same spec again to go on")

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
