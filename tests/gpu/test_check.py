"""The script for a machine with a card: its steps in small on the CPU, and what faults do to it.

No scarce minute is lost there to what can be found here.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from check import NOT_RUN, OK, STEPS, Given, Row
from warm_processes import WarmFunction, WarmPython

HERE = Path(__file__).parent
Checked = Callable[..., "Check"]
Stop = Callable[[int], None]


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
def test_a_step_runs_in_small(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm_workers: None,
    processes: WarmPython,
) -> None:  # fmt: skip
    for folder in ("RUNS", "CACHE", "COMPARISONS"):
        monkeypatch.setenv(f"MMX_{folder}", str(tmp_path / folder.lower()))
    given = Given("cpu", True, tmp_path / name)
    given.folder.mkdir()
    step = import_module(f"step_{name}")
    if name == "resume":  # three processes, each of which loads torch for some seconds
        monkeypatch.setattr(step, "start", lambda *told: called(processes, name, "work", *told))
    if name == "methods":  # one more
        monkeypatch.setattr(step, "subprocess", SimpleNamespace(run=warm_run(processes)))
    found: list[Row] = list(step.main(given))
    assert found
    assert {row.verdict for row in found} <= {OK, ""}, found


def called(processes: WarmPython, step: str, function: str, home: Path, *told: object) -> Any:
    """A function of a step, in a process that has loaded the heavy libraries."""
    words = (HERE, f"step_{step}", function, json.dumps([str(home), *told]))
    return WarmFunction(processes.start(*words, module="call"))


def warm_run(processes: WarmPython) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """``subprocess.run`` of ``python -m module words`` by such a process."""

    def run(command: list[str], *, cwd: Path, check: bool) -> "subprocess.CompletedProcess[str]":
        assert command[:2] == [sys.executable, "-m"]
        assert not check
        process = processes.start(*command[3:], module=command[2], folder=cwd)
        out, err = process.communicate()
        return subprocess.CompletedProcess(command, process.wait(), out, err)

    return run


class Check:
    """The script as it ran with steps of a test: its exit status, words and files."""

    def __init__(self, status: int, words: str, out: Path) -> None:
        self.status, self.words, self.out = status, words, out

    @property
    def rows(self) -> dict[str, Row]:
        found = [Row(**one) for one in json.loads((self.out / "all.json").read_text())]
        return {row.what: row for row in found}


def heed_interrupts() -> None:
    """Ctrl-C counts again where the tests themselves run in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def check(tmp_path: Path) -> Checked:
    """Run the script on steps that are given as source code by name; ``stop`` gets its process."""

    def run(
        seconds: float = 60, limit: float = 20, stop: Stop | None = None, **steps: str
    ) -> Check:
        place, out = tmp_path / "tests" / "gpu", tmp_path / "out"
        place.mkdir(parents=True)
        for file in ("check.py", "check.sh"):
            shutil.copy(HERE / file, place)
        lines = [f"{name} = {limit}" for name in steps]
        (place / "steps.toml").write_text("\n".join(["[seconds]", *lines]))
        for name, source in steps.items():
            (place / f"step_{name}.py").write_text(f"from check import Row, held\n{source}")
        told = ["--device", "cpu", "--seconds", str(seconds)]
        with subprocess.Popen(
            ["bash", str(place / "check.sh"), str(tmp_path / "nothing"), str(out), *told],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment(),
            cwd=tmp_path, start_new_session=True, preexec_fn=heed_interrupts,
        ) as script:  # fmt: skip
            if stop:
                stop(script.pid)
            words, _ = script.communicate(timeout=150)
        return Check(script.returncode, words, out)

    return run


def environment() -> dict[str, str]:
    """This Python is the one that the shell finds."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


GOOD = "def main(given):\n    yield held('two and two', 'are four', 2 + 2 == 4)\n"
HANGS = "import time\ndef main(given):\n    yield Row('before', 'seen')\n    time.sleep(600)\n"
WAITS = HANGS.replace("time.sleep", "open('waiting', 'w').close()\n    time.sleep")
CRASHES = "import os\ndef main(given):\n    yield Row('first', 'seen')\n    os.abort()\n"
LACKS = "import a_library_that_is_not_there\ndef main(given):\n    yield Row('never', '')\n"
WRONG = "def main(given):\n    yield held('a promise', 'is not kept', False)\n"


def test_faults_of_steps_cost_those_steps_only(check: Checked) -> None:
    found = check(60, 3, lacks=LACKS, hangs=HANGS, crashes=CRASHES, good=GOOD)
    rows = found.rows
    assert found.status == 1
    assert "No module named 'a_library_that_is_not_there'" in rows["lacks"].value
    assert rows["hangs"].value.startswith("stopped after 3 s")
    assert rows["crashes"].value.startswith("exit status -6")
    assert rows["before"].value == rows["first"].value == "seen"  # what was known before stays
    assert [rows[name].verdict for name in ("lacks", "hangs", "crashes")] == ["FAILED"] * 3
    assert rows["two and two"].verdict == OK
    assert found.words.rstrip().endswith("3 of 7 lines failed")
    assert (
        "could not be installed" in found.words
    )  # no wheels were carried, and yet there is a table
    assert {file.name for file in found.out.iterdir()} == {"all.json", "table.txt", "logs.txt"}
    assert "ModuleNotFoundError" in (found.out / "logs.txt").read_text()


def test_what_the_time_did_not_allow_is_said(check: Checked) -> None:
    begun = time.monotonic()
    found = check(6, 60, hangs=HANGS, good=GOOD)
    assert time.monotonic() - begun < 40
    assert found.status == 1
    assert found.rows["hangs"] == Row("hangs", "stopped after 6 s: the time was up", NOT_RUN)
    assert found.rows["good"] == Row("good", "not begun: the time was up", NOT_RUN)
    assert found.words.rstrip().endswith("nothing failed, 2 steps did not run to their end")


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["the script", "all of its group"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_whoever_stops_it_gets_the_table(
    check: Checked, tmp_path: Path, send: Callable[[int, int], None], how: signal.Signals
) -> None:
    def stop(script: int) -> None:
        end = time.monotonic() + 60
        while not (tmp_path / "waiting").exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        send(script, how)

    found = check(600, 600, stop, hangs=WAITS, good=GOOD)
    assert found.status == 1
    assert found.rows["before"].value == "seen"  # what was known before stays
    assert found.rows["hangs"].verdict == NOT_RUN
    assert found.rows["hangs"].value.endswith("it was told to stop")
    assert found.rows["good"] == Row("good", "not begun: it was told to stop", NOT_RUN)
    assert found.words.rstrip().endswith("nothing failed, 2 steps did not run to their end")


def test_a_promise_that_is_not_kept_is_the_exit_status(check: Checked) -> None:
    assert check(wrong=WRONG).status == 1


def test_all_well_is_exit_status_zero(check: Checked) -> None:
    found = check(first=GOOD, second=GOOD)
    assert found.status == 0, found.words
    assert found.words.rstrip().endswith("nothing failed")


def test_without_its_two_folders_it_says_what_it_wants() -> None:
    done = subprocess.run(["bash", str(HERE / "check.sh")], capture_output=True, text=True)
    assert done.returncode == 2
    assert "check.sh CARRIED OUT" in done.stdout


def test_a_machine_that_lacks_something_says_so() -> None:
    lacking: Callable[[], list[str]] = import_module("step_machine").lacking
    assert lacking() == []


def test_what_a_machine_lacks_is_carried(tmp_path: Path) -> None:
    names = ("mmx", "pydantic_core", "Torch", "nvidia-cublas", "typing-inspection")
    report, there = tmp_path / "report.json", tmp_path / "there.txt"
    report.write_text(
        json.dumps({"install": [{"metadata": {"name": one, "version": "1.0"}} for one in names]})
    )
    there.write_text("# what it has\ntorch\n")
    lacking: Callable[[Path, Path], list[str]] = import_module("lacking").lacking
    assert lacking(report, there) == ["pydantic_core==1.0", "typing-inspection==1.0"]
