"""Executor: whatever does the jobs of a study; first of all processes on this machine."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, cast

from mmx.study.job import Job, JobResult


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job has come.

    Attributes:
        key: of the job.
        stage: what is going on.
        share: of the stage, in [0, 1].
    """

    key: str
    stage: str
    share: float


Heard = Callable[[JobProgress | JobResult], None]


class Executor(Protocol):
    """Does jobs in any order; each is done once, and one that fails fails alone."""

    workers: int

    def run(self, jobs: Sequence[Job], heard: Heard) -> None:
        """Do all jobs; ``heard`` is called in this thread with progress and with every Done."""


class LocalExecutor:
    """Processes on this machine, each of which does one job after another."""

    def __init__(self, workers: int, log: Path) -> None:
        self.workers, self._log = max(workers, 1), log
        self._processes: set[subprocess.Popen[str]] = set()

    def run(self, jobs: Sequence[Job], heard: Heard) -> None:
        """Do all jobs; an interrupt lets each run write its checkpoint, then ends."""
        todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
        for job in jobs:
            todo.put(job)
        events: queue.SimpleQueue[JobProgress | JobResult] = queue.SimpleQueue()
        threads = [
            threading.Thread(target=self._serve, args=(todo, events), daemon=True)
            for _ in range(min(self.workers, len(jobs)))
        ]
        for thread in threads:
            thread.start()
        left = len(jobs)
        try:
            while left:
                event = events.get()
                left -= isinstance(event, JobResult)
                heard(event)
        finally:
            if left:
                while not todo.empty():
                    todo.get()
                self._stop()
            for thread in threads:
                thread.join()

    def _serve(
        self, todo: "queue.SimpleQueue[Job]", events: "queue.SimpleQueue[JobProgress | JobResult]"
    ) -> None:
        """One worker: a process, and a new one when it dies."""
        process: subprocess.Popen[str] | None = None
        while not todo.empty():
            try:
                job = todo.get_nowait()
            except queue.Empty:
                break
            if process is not None and process.poll() is not None:
                _end(process)
                process = None
            process = process or self._start()
            events.put(_ask(process, job, events.put))
        if process is not None:
            _end(process)

    def _start(self) -> "subprocess.Popen[str]":
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "mmx.study.worker"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # Ctrl-C reaches them through us, once
            )  # fmt: skip
        self._processes.add(process)
        return process

    def _stop(self) -> None:
        """End what still works; runs keep what they have learned."""
        working = [one for one in self._processes if one.poll() is None]
        for process in working:
            process.send_signal(signal.SIGINT)
        for process in working:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def _end(process: "subprocess.Popen[str]") -> None:
    """No more jobs: the worker ends by itself."""
    with process:  # closes both pipes and waits
        pass


def _ask(
    process: "subprocess.Popen[str]", job: Job, told: Callable[[JobProgress], None]
) -> JobResult:
    """Give a job to a worker and wait for its answer; a worker that dies is an answer too."""
    given, answers = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)  # both pipes
    try:
        given.write(json.dumps(job.to_json()) + "\n")
        given.flush()
        for line in answers:
            answer = json.loads(line)
            if "told" not in answer:
                return JobResult(**answer)
            told(JobProgress(answer["told"], answer["stage"], answer["share"]))
    except (BrokenPipeError, ValueError):
        pass  # it died, as the lines below say
    code = process.wait()
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
    hint = "; the system may have run out of memory" if code == -signal.SIGKILL else ""
    return JobResult(job.key, error=f"its process {how}{hint}")
