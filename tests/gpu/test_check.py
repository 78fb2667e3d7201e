"""The script for a machine with a card, in small on the CPU: no scarce minute is lost there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parent / "check.py"


@pytest.mark.slow
def test_every_step_runs_in_small(tmp_path: Path) -> None:
    command = [sys.executable, str(CHECK), "--out", str(tmp_path), "--device", "cpu", "--tiny"]
    done = subprocess.run(
        [*command, "--seconds", "2000"], capture_output=True, text=True, env=environment(tmp_path)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("nothing failed\n")
    rows = json.loads((tmp_path / "all.json").read_text())
    assert {row["verdict"] for row in rows} == {"ok", ""}


def test_what_is_left_when_the_time_is_up_is_said(tmp_path: Path) -> None:
    command = [sys.executable, str(CHECK), "--out", str(tmp_path), "--device", "cpu", "--tiny"]
    done = subprocess.run(
        [*command, "--seconds", "0"], capture_output=True, text=True, env=environment(tmp_path)
    )
    assert done.returncode == 0
    assert "card  " in done.stdout
    assert done.stdout.count("not begun: the time was up") == 11


def test_a_step_that_hangs_costs_its_own_time_only(tmp_path: Path) -> None:
    sys.path.insert(0, str(CHECK.parent))
    from check import Given, apart  # it lies beside this test, in no package

    rows = apart("runs", Given("cpu", True, tmp_path), tmp_path, 0.2)
    assert [row.verdict for row in rows] == ["FAILED"]
    assert "stopped after 0 s" in rows[0].value


def environment(folder: Path) -> dict[str, str]:
    """Runs, cache and comparison log of its own."""

    own = {"MMX_RUNS": "runs", "MMX_CACHE": "cache", "MMX_COMPARISONS": "comparisons"}
    return {**os.environ, "OMP_NUM_THREADS": "1", **{k: str(folder / v) for k, v in own.items()}}
