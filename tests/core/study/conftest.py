"""A study of seconds, and an executor that works in this process."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from mmx.commands import Progress
from mmx.study import Study, run_study
from mmx.study.executor import Heard
from mmx.study.job import Job, perform


class Here:
    """Does jobs in this process and remembers them."""

    workers = 1

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def run(self, jobs: Sequence[Job], heard: Heard) -> None:
        """One after another."""
        for job in jobs:
            self.jobs.append(job)
            heard(perform(job))


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[Progress] = []
        self.said: list[str] = []

    def progress(self, progress: Progress) -> None:
        """Keep it."""
        self.steps.append(progress)

    def message(self, text: str) -> None:
        """Keep it."""
        self.said.append(text)


@pytest.fixture
def here() -> Here:
    return Here()


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def write_study(tiny_spec: Path) -> Callable[..., Path]:
    """Write a study of the tiny experiment: ``write_study(arms=["concat"])`` -> its path."""

    def write(**keys: Any) -> Path:
        study: dict[str, Any] = {
            "study": "tiny", "base": "tiny.yaml", "vary": "model.fusion",
            "arms": ["concat", "gated"], "seeds": [0], "controls": False,
            "set": {"train.epochs": 1},
        }  # fmt: skip
        file = tiny_spec.parent / "study.yaml"
        file.write_text(
            yaml.safe_dump({k: v for k, v in (study | keys).items() if v != ""}, sort_keys=False)
        )
        return file

    return write


@pytest.fixture
def run_here(here: Here, listener: Listener, tiny_plugin: Path) -> Callable[..., Study]:
    """Run a study in this process."""

    def run(file: Path, **options: Any) -> Study:
        return run_study(file, plugins=[tiny_plugin], executor=here, observer=listener, **options)

    return run
