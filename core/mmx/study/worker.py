"""A process that does jobs of a study one after another; ``python -m mmx.study.worker``.

Jobs come as JSON lines on standard input, answers go as JSON lines to the standard output that the
process was started with; whatever libraries print goes to standard error instead.
"""

import json
import os
import sys
import threading
import time
from dataclasses import asdict
from typing import IO

from mmx.runs import Progress
from mmx.study.job import Job, JobResult, perform


class _ProgressSender:
    """Sends progress as lines."""

    def __init__(self, out: IO[str], key: str) -> None:
        self._out = out
        self._key = key
        self._last = 0.0

    def progress(self, progress: Progress) -> None:
        """At most twice a second."""
        now = time.monotonic()
        if now - self._last > 0.5:
            self._last = now
            share = progress.done / progress.total if progress.total else 0.0
            _say(self._out, {"told": self._key, "stage": progress.stage, "share": share})

    def message(self, text: str) -> None:
        """To the log of the worker."""
        sys.stderr.write(f"{self._key}: {text}\n")


def _say(out: IO[str], value: object) -> None:
    out.write(json.dumps(value) + "\n")
    out.flush()


def _end_with_parent() -> None:
    """A study that is killed takes its workers along, so that they do not train for nobody."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Do jobs until the input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _end_with_parent()
    for line in sys.stdin:
        job = Job.from_json(json.loads(line))
        try:
            done = perform(job, _ProgressSender(out, job.key))
        except KeyboardInterrupt:
            done = JobResult(job.key, error="stopped")
        if done.trace:
            sys.stderr.write(done.trace)
        _say(out, asdict(done))


if __name__ == "__main__":
    main()
