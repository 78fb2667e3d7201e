"""Executors beyond this machine: a Ray cluster, and Slurm through submitit."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from mmx.errors import MissingExtraError, RunError
from mmx.study.executor import Executor, Heard, LocalExecutor
from mmx.study.job import Job, JobResult, perform

Name = Literal["local", "ray", "slurm"]
_POLL = 1.0  # seconds between two looks at what a cluster has done


def make_executor(name: Name, *, workers: int, threads: int, log: Path) -> Executor:
    """The executor that a command line names.

    Args:
        name: local, ray or slurm.
        workers: jobs at a time.
        threads: of each job.
        log: file for what workers print; beside it lies the folder of slurm.

    Raises:
        MissingExtraError: its library is not installed.
    """
    if name == "ray":
        return RayExecutor(workers, threads)
    if name == "slurm":
        return SlurmExecutor(workers, threads, log.parent / "slurm")
    return LocalExecutor(workers, log)


def done_of(plain: Mapping[str, object]) -> dict[str, object]:
    """Do a job given as plain data; what a remote process runs."""
    return asdict(perform(Job.from_json(plain)))


class RayExecutor:
    """Tasks of a Ray cluster: the one that RAY_ADDRESS names, else one on this machine.

    All machines see the folders of runs, cache and data under the same names.
    """

    def __init__(self, workers: int, threads: int) -> None:
        self.workers, self._threads = max(workers, 1), threads
        self._ray = _library("ray", "mmx[ray]")

    def run(self, jobs: Sequence[Job], heard: Heard) -> None:
        """Do all jobs; a task that dies is an answer too."""
        ray = self._ray
        own = not ray.is_initialized()
        if own:
            self._start()
        try:
            task = ray.remote(num_cpus=self._threads, max_retries=0)(done_of)
            left = {task.remote(job.to_json()): job for job in jobs}
            while left:
                ready, _ = ray.wait(list(left), num_returns=1, timeout=_POLL)
                for one in ready:
                    heard(self._answer(one, left.pop(one)))
        finally:
            if own:
                ray.shutdown()

    def _start(self) -> None:
        variables = {name: value for name, value in os.environ.items() if name.startswith("MMX_")}
        here = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": self.workers * self._threads}
        self._ray.init(
            include_dashboard=False, log_to_driver=False, configure_logging=False,
            runtime_env={"env_vars": variables}, **here,
        )  # fmt: skip

    def _answer(self, task: Any, job: Job) -> JobResult:
        try:
            return JobResult(**self._ray.get(task))
        except self._ray.exceptions.RayError as error:
            first = str(error).strip().splitlines() or [type(error).__name__]
            return JobResult(job.key, error=f"its Ray task failed: {first[0]}")


class SlurmExecutor:
    """Jobs of a Slurm cluster through submitit.

    Attributes:
        workers: jobs that may wait or run at a time.
    """

    def __init__(
        self, workers: int, threads: int, folder: Path, *, cluster: str = "slurm",
        minutes: int = 24 * 60,
    ) -> None:  # fmt: skip
        self.workers = max(workers, 1)
        submitit = _library("submitit", "mmx[slurm]")
        try:
            self._submit = submitit.AutoExecutor(folder=str(folder), cluster=cluster)
        except RuntimeError as error:
            raise RunError(
                f"no Slurm here ({error}); use --executor local, or call mmx where sbatch is"
            ) from error
        self._submit.update_parameters(cpus_per_task=threads, timeout_min=minutes, name="mmx")

    def run(self, jobs: Sequence[Job], heard: Heard) -> None:
        """Do all jobs; what is still there after an interrupt is cancelled."""
        waiting, running = list(jobs), list[tuple[Any, Job]]()
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    job = waiting.pop(0)
                    running.append((self._submit.submit(done_of, job.to_json()), job))
                ended = [pair for pair in running if pair[0].done()]
                running = [pair for pair in running if pair not in ended]
                for given, job in ended:
                    heard(_slurm_answer(given, job))
                if not ended:
                    time.sleep(_POLL)
        finally:
            for given, _ in running:
                given.cancel()


def _slurm_answer(given: Any, job: Job) -> JobResult:
    try:
        return JobResult(**given.result())
    except Exception as error:  # noqa: BLE001 - submitit raises its own and the job's errors
        last = str(error).strip().splitlines() or [type(error).__name__]
        return JobResult(job.key, error=f"its Slurm job {given.job_id} failed: {last[-1]}")


def _library(name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(name, extra) from error
