"""What must hold when a disk is full, a process dies, a clock goes back or a loss explodes."""

import errno
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result
from warm_processes import WarmPython

import mmx

Load = Callable[..., mmx.Spec]
RESULTS = ("model.safetensors", "predictions.parquet")
PLUGIN = Path(__file__).parents[1] / "tiny" / "encoders.py"


def results(run: mmx.Run) -> dict[str, bytes]:
    return {name: (run.path / name).read_bytes() for name in RESULTS}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a file system with these options; skipped where that is not permitted."""
    mounted = []

    def mount(options: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        try:
            done = subprocess.run(words, capture_output=True, check=False)
        except OSError:
            pytest.skip("there is no mount command")
        if done.returncode:
            pytest.skip("this user may not mount a small disk")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=False)


@pytest.mark.parametrize("variable", ["MMX_CACHE", "MMX_RUNS"])
@pytest.mark.parametrize("options", ["size=64k", "size=16k", "ro,size=1m"])
def test_a_disk_that_is_full_or_read_only_is_told_and_the_run_goes_on_elsewhere(
    load: Load, home: Path, small_disk: Any, monkeypatch: pytest.MonkeyPatch, variable: str,
    options: str,
) -> None:  # fmt: skip
    disk = small_disk(options)
    usual = os.environ[variable]
    monkeypatch.setenv(variable, str(disk))
    with pytest.raises(mmx.MmxError, match=r"(cannot be|No space|Read-only)"):
        mmx.run(load())
    half = [f.name for f in disk.rglob("*") if f.name.endswith((".part", ".partial", ".facts"))]
    assert half == []
    monkeypatch.setenv(variable, usual)
    assert mmx.run(load()).headline()


def test_a_disk_that_fills_up_in_the_middle_leaves_a_run_that_goes_on(
    load: Load, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, sync = load("train.checkpoint_minutes=0.0001"), os.fsync
    whole = results(mmx.run(spec))
    for written in (1, 4, 9, 14):
        done = list[int]()

        def full(handle: int, done: list[int] = done, written: int = written) -> None:
            done.append(handle)
            if len(done) > written:
                raise OSError(errno.ENOSPC, "No space left on device")
            sync(handle)

        monkeypatch.setenv("MMX_RUNS", str(home / f"runs-{written}"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(mmx.MmxError, match="No space left"):
                mmx.run(spec)
        run = next((home / f"runs-{written}").iterdir())
        assert not (run / "finished.json").exists(), written
        assert not list(run.rglob(".*.part")), written
        assert results(mmx.run(spec)) == whole, written


def test_a_clock_that_goes_backwards_changes_nothing(
    load: Load, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, now = load(), [1e9]

    def earlier() -> float:
        now[0] -= 3600
        return now[0]

    with monkeypatch.context() as patch:
        patch.setenv("MMX_RUNS", str(home / "backwards"))
        patch.setattr(time, "time", earlier)
        backwards = mmx.run(spec)
    assert mmx.run(spec).metrics["test"] == backwards.metrics["test"]
    text = (backwards.path / "events.jsonl").read_text()
    events = [json.loads(line) for line in text.splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["started", "finished"]


def test_a_loss_that_explodes_stops_the_run_and_keeps_the_last_good_checkpoint(
    load: Load, home: Path
) -> None:
    wild = load("train.optimizer={type: sgd, lr: 1e30}", "train.clip_norm=null",
                "train.checkpoint_minutes=0.00001", "train.schedule=constant")  # fmt: skip
    with pytest.raises(mmx.RunError, match=r"(?s)not finite|is (nan|inf) at step \d+") as caught:
        mmx.run(wild)
    assert "samples" in str(caught.value)
    run = next((home / "runs").iterdir())
    assert not (run / "finished.json").exists()
    from mmx.runs import RunFolder, SilentObserver
    from mmx.training.checkpoint import Checkpoints

    kept = Checkpoints(RunFolder(run)).load(SilentObserver())
    assert kept is None or all(value.isfinite().all() for value in kept.weights.values())


def test_damaged_decoded_images_are_made_again(
    load: Load, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = load("model.image.train=full", "train.epochs=1")
    first = results(mmx.run(spec))
    folder = home / "cache" / "mmx-cache" / "images"
    stem = next(folder.glob("*.npy")).stem
    for name, keep in product((f"{stem}.npy", f"{stem}.json"), (0, 40)):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:keep])
        monkeypatch.setenv("MMX_RUNS", str(home / f"again-{name}-{keep}"))
        assert results(mmx.run(spec)) == first, (name, keep)
        assert len((folder / name).read_bytes()) == len(whole), (name, keep)


@pytest.mark.slow
def test_a_killed_data_loader_is_told_and_the_run_goes_on(
    home: Path, tiny_spec: Path, command: Callable[..., Result], processes: WarmPython
) -> None:
    words = ["run", str(tiny_spec), "--plugin", str(PLUGIN),
             "--set", "model.image.train=full", "--set", "train.epochs=8"]  # fmt: skip
    started = processes.start(*words, "--set", "data.workers=1")
    while started.poll() is None:  # one that has nothing left to fetch is not missed
        kill_children(started.pid)
        time.sleep(0.002)
    told = started.communicate(timeout=100)[1]
    assert started.returncode == 2, told
    assert "a process that fetches the data was killed" in told
    ours = told.partition("Exception ignored in")[0]  # torch, when it clears a dead process away
    assert "Traceback" not in ours
    again = command(*words)  # without workers, which decide no number
    assert again.exit_code == 0, again.output
    assert len(list((home / "runs").iterdir())) == 1


def kill_children(parent: int) -> None:
    """Kill the processes that fetch data for another one."""
    known = Path(f"/proc/{parent}/task/{parent}/children")
    children = [int(child) for child in (known.read_text().split() if known.exists() else [])]
    for child in children:
        with suppress(OSError):  # it may have ended by itself
            if "resource_tracker" not in Path(f"/proc/{child}/cmdline").read_text():
                os.kill(child, signal.SIGKILL)


@pytest.mark.slow
def test_two_processes_with_one_spec_train_once(
    home: Path, tiny_spec: Path, processes: WarmPython
) -> None:
    both = [processes.start("run", tiny_spec, "--plugin", PLUGIN) for _ in range(2)]
    told = [process.communicate(timeout=200)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert told[0] == told[1]
    (run,) = (home / "runs").iterdir()
    text = (run / "events.jsonl").read_text()
    events = [json.loads(line)["event"] for line in text.splitlines()]
    assert (events.count("started"), events.count("finished")) == (1, 1)
