"""Pipes, devices, sockets and links are refused in plain words, and never waited for."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mmx.runs import RunFolder

PLUGIN = str(Path(__file__).parents[1] / "tiny" / "encoders.py")
RUN = ("run", "spec.yaml", "--plugin", PLUGIN)
PREDICT = ("predict", "run", "--text", "it itches", "--without", "image", "--plugin", PLUGIN)
EVALUATE = ("evaluate", "run", "--data", "cases.csv", "--plugin", PLUGIN)
SECONDS = 60  # of a busy machine; a reader of a pipe would wait for ever


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    """End a test that waits for a pipe."""

    def ended(*_: object) -> None:
        raise TimeoutError("something waits for a pipe, or reads a device without end")

    signal.signal(signal.SIGALRM, ended)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)


USES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "spec": ("spec.yaml", RUN, "spec.yaml"),
    "table": ("cases.csv", RUN, "cases.csv"),
    "image": ("images/05.png", RUN, "05.png"),
    "plugin": ("p.py", (*RUN, "--plugin", "p.py"), "p.py"),
    "split": ("split.csv", (*RUN, "--set", "data.split.file=split.csv"), "split.csv"),
    "weights": (
        "w.pth",
        (*RUN, "--set", "model.image={type: torchvision, arch: resnet18, weights: w.pth}"),
        "w.pth",
    ),
    "study": ("study.yaml", ("study", "run", "study.yaml"), "study.yaml"),
    "spec to evaluate": (
        "other.yaml",
        ("evaluate", "run", "--data", "other.yaml", "--plugin", PLUGIN),
        "other.yaml",
    ),
    "cases": ("new.csv", ("predict", "run", "--table", "new.csv", "--plugin", PLUGIN), "new.csv"),
    "image to predict": (
        "x.png",
        ("predict", "run", "--image", "x.png", "--text", "a", "--plugin", PLUGIN),
        "x.png",
    ),
}


@pytest.mark.parametrize("make", [pipe, device, bound])
@pytest.mark.parametrize("use", USES)
def test_what_is_no_file_is_refused(
    place: Any, command: Callable[..., Any], use: str, make: Callable[[Path], None]
) -> None:
    name, words, named = USES[use]
    (place / name).unlink(missing_ok=True)
    folder = (place / name).parent
    os.chdir(folder)  # a socket's name is short
    make(place / name)
    os.chdir(place.path)
    done = command(*words)
    assert done.exit_code == 2, done.output
    assert named in done.stderr or "/dev/zero" in done.stderr
    assert "Traceback" not in done.output


OF_A_RUN = ["resolved.yaml", "model.json", "model.safetensors", "finished.json", "environment.json"]


@pytest.mark.parametrize("make", [pipe, device])
@pytest.mark.parametrize("name", OF_A_RUN)
def test_what_is_no_file_in_a_run_is_refused(
    place: Any, command: Callable[..., Any], name: str, make: Callable[[Path], None]
) -> None:
    (place / "run" / name).unlink()
    make(place / "run" / name)
    done = command(*PREDICT)
    assert done.exit_code == 2, done.output
    assert name in done.stderr or "is not finished" in done.stderr


@pytest.mark.parametrize("name", ["metrics.json", "split.csv", "model.safetensors"])
def test_a_link_in_a_run_is_refused(place: Any, command: Callable[..., Any], name: str) -> None:
    (place / "run" / name).rename(place / "elsewhere")
    (place / "run" / name).symlink_to("../elsewhere")
    with pytest.raises(Exception, match=f"{name} is a link"):
        RunFolder(place / "run").check()
    if name != "metrics.json":
        done = command(*(EVALUATE if name == "split.csv" else PREDICT))
        assert done.exit_code == 2, done.output
        assert f"{name} is a link" in done.stderr


def test_a_result_never_replaces_a_device(place: Any, command: Callable[..., Any]) -> None:
    os.mkfifo(place / "out.csv")
    done = command(*PREDICT, "--out", "out.csv")
    assert done.exit_code == 2, done.output
    assert "named pipe" in done.stderr
    assert (place / "out.csv").is_fifo()
