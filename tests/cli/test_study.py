"""mmx study: run, report, list."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mmx.study.executor import Heard
from mmx.study.job import Job, perform
from mmx_cli.main import app


@pytest.fixture
def study(tiny_spec: Path) -> Path:
    file = tiny_spec.parent / "study.yaml"
    file.write_text(
        "study: tiny\nbase: tiny.yaml\nvary: model.fusion\narms: [concat, add]\nseeds: [0]\n"
        "controls: false\nset: {train.epochs: 1}\n"
    )
    return file


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that is killed, in tests/core/study, has the processes of a real one."""

    class Here:
        workers = 1

        def __init__(self, workers: int, log: Path) -> None:
            self.log = log

        def run(self, jobs: Sequence[Job], heard: Heard) -> None:
            """One after another."""
            for job in jobs:
                heard(perform(job))

    monkeypatch.setattr("mmx.study.executors.LocalExecutor", Here)


def test_run_report_and_list(study: Path, tiny_plugin: Path) -> None:
    runner = CliRunner()
    empty = runner.invoke(app, ["study", "list"])
    assert "no study yet" in empty.output
    words = [str(study), "--plugin", str(tiny_plugin)]
    done = runner.invoke(app, ["study", "run", *words, "--workers", "1"])
    assert done.exit_code == 0, done.output
    assert "concat: " in done.stdout
    assert "not distinguishable" in done.stdout or "points" in done.stdout
    again = runner.invoke(app, ["study", "report", "tiny", "--plugin", str(tiny_plugin)])
    assert again.exit_code == 0, again.output
    assert "report.html" in again.stdout
    listed = runner.invoke(app, ["study", "list"])
    assert "tiny" in listed.stdout


def test_a_mistake_ends_with_status_2(study: Path) -> None:
    runner = CliRunner()
    unknown = runner.invoke(app, ["study", "report", "nothing"])
    assert unknown.exit_code == 2
    assert "there is no study nothing" in unknown.stderr
    study.write_text("study: tiny\n")
    broken = runner.invoke(app, ["study", "run", str(study)])
    assert broken.exit_code == 2
    assert "base: is missing" in broken.stderr


def test_an_arm_without_a_result_ends_with_status_3(study: Path, tiny_plugin: Path) -> None:
    """The others finish, and the last line says which and why."""
    text = study.read_text()
    study.write_text(text.replace("arms: [concat, add]", "arms: [concat, nonsense]"))
    words = [str(study), "--plugin", str(tiny_plugin), "--workers", "1"]
    done = CliRunner().invoke(app, ["study", "run", *words])
    assert done.exit_code == 3, done.output
    assert "concat: " in done.stdout
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("without a result: nonsense (")
    assert "no fusion 'nonsense' is installed" in last
