"""Studies on Ray and through submitit give what local processes give."""

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mmx
from mmx.errors import MissingExtraError
from mmx.study import Study, run_study
from mmx.study.executors import RayExecutor, SlurmExecutor, make_executor
from mmx.study.job import Job, JobResult

Write = Callable[..., Path]


def answers(study: Study) -> pd.DataFrame:
    """Predictions of all runs of a study."""
    runs = [Path(run) for arm in study.results["arms"] for run in arm["runs"]]
    return pd.concat([mmx.Run(run).predictions for run in runs], ignore_index=True)


def test_ray_gives_the_results_of_this_process(
    write_study: Write,
    run_here: Callable[..., Study],
    tiny_plugin: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    file = write_study(arms=["concat", "gated", "nosuch"])
    local = run_here(file)
    monkeypatch.setenv("MMX_RUNS", str(home / "runs on ray"))
    done = run_study(file, plugins=[tiny_plugin], workers=1, executor="ray")
    assert list(done.failed) == ["nosuch"]
    assert done.path != local.path
    pd.testing.assert_frame_equal(answers(done), answers(local))


def test_a_ray_task_that_dies_fails_alone() -> None:
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")

    class Broken:
        exceptions = ray.exceptions

        @staticmethod
        def get(task: Any) -> Any:
            raise ray.exceptions.WorkerCrashedError

    executor = RayExecutor(1, 1)
    executor._ray = Broken
    done = executor._answer(None, Job("one", "arm", "run", ""))
    assert done.key == "one"
    assert done.error.startswith("its Ray task failed")


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)  # submitit leaves its pipes to the garbage collector
def test_submitit_does_jobs_and_tells_what_fails(tmp_path: Path) -> None:
    pytest.importorskip("submitit", reason="the extra slurm is not installed")
    executor = SlurmExecutor(2, 1, tmp_path, cluster="local")
    heard: list[Any] = []
    executor.run([Job(key, "arm", "run", str(tmp_path / "no.yaml")) for key in "ab"], heard.append)
    assert sorted(one.key for one in heard) == ["a", "b"]
    assert all(isinstance(one, JobResult) and "no.yaml" in one.error for one in heard)


def test_without_slurm_it_says_what_to_do(tmp_path: Path) -> None:
    pytest.importorskip("submitit", reason="the extra slurm is not installed")
    with pytest.raises(mmx.RunError, match="use --executor local"):
        make_executor("slurm", workers=1, threads=1, log=tmp_path / "log")


@pytest.mark.parametrize(("name", "library"), [("ray", "ray"), ("slurm", "submitit")])
def test_a_missing_extra_is_named(
    name: Any, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def refuse(module: str) -> Any:
        if module == library:
            raise ImportError(module)
        return real(module)

    monkeypatch.setattr("mmx.study.executors.import_module", refuse)
    with pytest.raises(MissingExtraError, match=rf"mmx\[{name}\]"):
        make_executor(name, workers=1, threads=1, log=tmp_path / "log")
