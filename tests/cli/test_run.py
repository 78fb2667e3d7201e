"""mmx run, evaluate and predict as a user types them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result
from warm_processes import WarmProcess, WarmPython

from mmx_cli.main import app


@pytest.fixture
def run_words(tiny_spec: Path, tiny_plugin: Path) -> list[str]:
    """Arguments that run the tiny experiment."""
    return ["run", str(tiny_spec), "--plugin", str(tiny_plugin)]


def here(*words: object) -> Result:
    """The same command in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


def only_run(home: Path) -> Path:
    return next((home / "runs").iterdir())


def test_a_run_prints_its_headline_and_its_report_and_can_be_used(
    run_words: list[str], home: Path, tiny_spec: Path, tiny_plugin: Path, processes: WarmPython
) -> None:
    done = processes.run(*run_words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("balanced accuracy ")
    report = Path(done.stdout.rpartition("report: ")[2].strip())
    assert report.read_text().startswith("<!doctype html>")
    run = only_run(home)
    case = ("--text", "It itches badly at night.", "--without", "image")
    told = here("predict", run, *case, "--plugin", tiny_plugin)
    assert told.exit_code == 0, told.stderr
    assert told.stdout.count("%") == 3
    scored = here("evaluate", run, "--data", tiny_spec, "--plugin", tiny_plugin)
    assert scored.exit_code == 0, scored.stderr
    assert "balanced accuracy" in scored.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "missing.yaml"], "missing.yaml"),
        (["evaluate", "nowhere", "--data", "x.csv"], "the run nowhere does not exist"),
        (["predict", "nowhere", "--text", "a"], "the run nowhere does not exist"),
        (
            ["predict", "nowhere"],
            "give --image, --text, --text-file or --record for one case, or --table for many",
        ),
    ],
)
def test_a_users_mistake_is_told_in_plain_words(words: list[str], expected: str) -> None:
    done = here(*words)
    assert done.exit_code == 2
    assert expected in done.stderr
    assert isinstance(done.exception, SystemExit)  # no traceback of ours


def test_a_faulty_value_ends_the_process_with_status_2(
    run_words: list[str], processes: WarmPython
) -> None:
    done = processes.run(*run_words, "--set", "model.fusion=gatedd")
    assert done.returncode == 2
    assert "nearest: gated" in done.stderr
    assert "Traceback" not in done.stderr


def interrupt(started: WarmProcess, home: Path, by: signal.Signals, steps: int) -> str:
    """Stop a long run after some steps, and give what it wrote to stderr."""
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline and started.poll() is None:
        pointers = list(home.glob("runs/*/checkpoint/latest.json"))  # a whole checkpoint is there
        events = next(iter(home.glob("runs/*/events.jsonl")), None)
        epochs = events.read_text().count('"event": "epoch"') if events else 0
        if pointers and epochs >= steps:
            break
        time.sleep(0.01)
    started.send_signal(by)
    return started.communicate(timeout=60)[1]


@pytest.mark.slow
def test_a_run_that_was_killed_or_stopped_ends_with_the_same_weights(
    run_words: list[str], home: Path, monkeypatch: pytest.MonkeyPatch, processes: WarmPython
) -> None:
    words = [*run_words, "--set", "train.epochs=60", "--set", "train.checkpoint_minutes=0.001"]
    interrupt(processes.start(*words), home, signal.SIGKILL, steps=3)
    told = interrupt(processes.start(*words), home, signal.SIGINT, steps=10)
    assert "Traceback" not in told
    assert "the same command" in told or "the same spec" in told
    resumed = only_run(home)
    assert not (resumed / "finished.json").exists()
    assert here(*words).exit_code == 0
    events = [json.loads(line) for line in (resumed / "events.jsonl").read_text().splitlines()]
    assert sum(event["event"] == "resumed" for event in events) == 2
    monkeypatch.setenv("MMX_RUNS", str(home / "whole"))
    assert here(*words).exit_code == 0
    whole = next((home / "whole").iterdir())
    for name in ("model.safetensors", "predictions.parquet"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.slow
def test_two_processes_give_the_metrics_of_one(run_words: list[str], home: Path) -> None:
    words = [*run_words, "--set", "model.head.dropout=0", "--set", "train.precision=fp32"]
    assert here(*words, "--set", "name=one").exit_code == 0
    launched = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         "-m", "mmx_cli", *words, "--set", "name=two"],
        capture_output=True, text=True, timeout=200, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MMX_RUNS": str(home / "runs"),
             "ACCELERATE_USE_CPU": "true"},
    )  # fmt: skip
    assert launched.returncode == 0, launched.stderr[-2000:]
    settled = next((home / "runs").glob("two-*/training.json"))
    assert json.loads(settled.read_text())["processes"] == 2
    one, two = (
        json.loads(next((home / "runs").glob(f"{name}-*/metrics.json")).read_text())["test"]
        for name in ("one", "two")
    )
    for name, interval in one["metrics"].items():
        assert two["metrics"][name]["value"] == pytest.approx(interval["value"], abs=1e-3), name
