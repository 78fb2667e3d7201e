"""Laws of a run directory."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mmx.errors import RunError
from mmx.runs import RunFolder
from mmx.runs.run_files import read_json

DIGEST = "0123456789abcdef" * 4


class Listener:
    def __init__(self) -> None:
        self.said: list[str] = []

    def progress(self, progress: object) -> None: ...

    def message(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "runs", "small", DIGEST)


def start(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """A process that has printed its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


HOLD = """
    import sys, time
    from pathlib import Path
    from mmx.runs import RunFolder
    with RunFolder(Path(sys.argv[1])).lock():
        print("ready", flush=True)
        time.sleep(float(sys.argv[2]))
"""


def test_the_name_holds_twelve_digits_of_the_digest(folder: RunFolder) -> None:
    assert folder.path.name == "small-0123456789ab"


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden"])
def test_a_name_never_leaves_the_root(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="cannot be named"):
        RunFolder.create(tmp_path, name, DIGEST)


@pytest.mark.parametrize("name", ["../other", "/etc/passwd", "a/../../b", ""])
def test_a_file_never_leaves_the_run(folder: RunFolder, name: str) -> None:
    with pytest.raises(RunError, match="not inside"):
        folder.write_text(name, "x")


def test_the_same_run_is_found_again_and_fresh_empties_it(folder: RunFolder) -> None:
    folder.write_json("checkpoint/a.json", 1)
    folder.finish()
    again = RunFolder.create(folder.path.parent, "small", DIGEST)
    assert again.finished
    assert again.read_json("checkpoint/a.json") == 1
    fresh = RunFolder.create(folder.path.parent, "small", DIGEST, fresh=True)
    assert not fresh.finished
    assert [entry.name for entry in fresh.path.iterdir()] == [".lock"]


def test_events_survive_half_a_line(folder: RunFolder) -> None:
    folder.event("epoch", loss=1.5, bad=float("nan"))
    with (folder.path / "events.jsonl").open("a") as file:
        file.write('{"event": "ep')
    folder.event("epoch", loss=0.5)
    assert [event["loss"] for event in folder.events("epoch")] == [1.5, 0.5]
    assert folder.events()[0]["bad"] is None


def test_a_file_is_never_half_written(folder: RunFolder) -> None:
    code = """
        import sys
        from pathlib import Path
        from mmx.runs import RunFolder
        folder = RunFolder(Path(sys.argv[1]))
        folder.write_json("state.json", [0] * 200_000)
        print("ready", flush=True)
        for number in range(1, 10_000):
            folder.write_json("state.json", [number] * 200_000)
    """
    for delay in (0.0, 0.03, 0.07):
        process = start(code, folder.path)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        state = folder.read_json("state.json")
        assert len(state) == 200_000
        assert len(set(state)) == 1
    folder.sweep()
    assert not list(folder.path.glob(".*.part"))


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000])
def test_damaged_json_is_an_error_in_plain_words(folder: RunFolder, content: str) -> None:
    folder.write_text("broken.json", content)
    with pytest.raises(RunError, match="cannot be read"):
        folder.read_json("broken.json")


def test_json_has_a_size_limit(tmp_path: Path) -> None:
    (tmp_path / "large.json").write_text(json.dumps("x" * 100))
    with pytest.raises(RunError, match="102 bytes"):
        read_json(tmp_path / "large.json", limit=50)


def test_a_failed_write_leaves_the_old_content(folder: RunFolder) -> None:
    folder.write_text("kept.json", "1")
    with pytest.raises(TypeError):
        folder.write_json("kept.json", object())
    assert folder.read_json("kept.json") == 1


def test_a_second_process_is_refused_or_waits(folder: RunFolder) -> None:
    process = start(HOLD, folder.path, 0.6)
    with pytest.raises(RunError, match=f"process {process.pid}"), folder.lock(wait=False):
        pytest.fail("two processes hold one lock")
    listener = Listener()
    with folder.lock(listener):
        process.communicate(timeout=5)
    assert process.returncode == 0
    assert "waiting" in listener.said[0]


def test_the_lock_dies_with_its_process(folder: RunFolder) -> None:
    process = start(HOLD, folder.path, 60)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    with folder.lock(wait=False):
        assert json.loads((folder.path / ".lock.by").read_text())["process"] == os.getpid()


def test_fresh_never_empties_a_run_that_is_at_work(folder: RunFolder) -> None:
    folder.write_text("work.txt", "x")
    with folder.lock(), pytest.raises(RunError, match="working on"):
        RunFolder.create(folder.path.parent, "small", DIGEST, fresh=True)
    assert (folder.path / "work.txt").exists()
