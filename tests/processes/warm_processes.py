"""Commands of mmx as processes that need not load the heavy libraries first; see warm.py."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pytest

from mmx.study.executor import LocalExecutor

_WARNED = re.compile(r"^\S+\.py:\d+: \w*Warning: .*$", re.MULTILINE)


class WarmProcess:
    """A command that a copy of the warm Python does; the part of Popen that tests need.

    Attributes:
        pid: of the process.
        returncode: its exit status, minus the signal that ended it; None while it works.
    """

    def __init__(self, heard: socket.socket, out: IO[bytes], err: IO[bytes]) -> None:
        self._heard, self._out, self._err = heard, out, err
        self._lines = heard.makefile("r", encoding="ascii")
        self.pid = int(self._lines.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit status; None while it works."""
        if self.returncode is None and _readable(self._heard, 0):
            self.wait()
        return self.returncode

    def wait(self, timeout: float = 300) -> int:
        """The exit status, when it has ended.

        Raises:
            TimeoutError: it works on.
        """
        if self.returncode is None:
            if not _readable(self._heard, timeout):
                raise TimeoutError(f"it works on after {timeout} s")
            self.returncode = int(self._lines.readline())
        return self.returncode

    def send_signal(self, by: signal.Signals) -> None:
        """To the process, if it works."""
        if self.poll() is None:
            os.kill(self.pid, by)

    def kill(self) -> None:
        """At once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = 300) -> tuple[str, str]:
        """What it wrote to standard output and to standard error, when it has ended."""
        self.wait(timeout)
        out, err = _text(self._out), _text(self._err)
        raw = _WARNED.findall(err)  # words of a library to its programmers, in a user's terminal
        assert not raw, f"a library warned in its own words: {raw}"
        return out, err

    def end(self) -> None:
        """Kill it, if it works, and leave nothing open."""
        self.kill()
        for one in (self._lines, self._heard, self._out, self._err):
            one.close()


class WarmFunction:
    """A function that a warm process does; the part of multiprocessing's Process that tests need.

    Args:
        process: that ``call.py`` runs in.
    """

    def __init__(self, process: WarmProcess) -> None:
        self._process = process
        self.pid = process.pid

    @property
    def exitcode(self) -> int | None:
        """The exit status; None while it works."""
        return self._process.poll()

    def is_alive(self) -> bool:
        """Whether it works."""
        return self.exitcode is None

    def join(self) -> None:
        """Wait for its end."""
        self._process.wait()


class WarmWorker(WarmProcess):
    """A process that is spoken with, line by line; ends when it is told no more.

    Attributes:
        stdin: what it is told.
        stdout: what it answers.
    """

    def __init__(self, heard: socket.socket, stdin: IO[str], stdout: IO[str]) -> None:
        self.stdin, self.stdout = stdin, stdout
        super().__init__(heard, stdin.buffer, stdout.buffer)  # type: ignore[attr-defined]

    def wait(self, timeout: float = 300) -> int:
        """As Popen says that it works on."""
        try:
            return super().wait(timeout)
        except TimeoutError:
            raise subprocess.TimeoutExpired("worker", timeout) from None

    def __enter__(self) -> "WarmWorker":
        return self

    def __exit__(self, *raised: object) -> None:
        self.stdin.close()
        self.wait()
        self.stdout.close()


def _readable(heard: socket.socket, timeout: float) -> bool:
    """Whether there is something to read, or comes in time."""
    heard.settimeout(timeout)
    try:
        return bool(heard.recv(1, socket.MSG_PEEK))
    except (TimeoutError, BlockingIOError):
        return False
    finally:
        heard.settimeout(None)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


class WarmAddress:
    """Where a warm Python listens; its commands may begin workers there, too.

    Args:
        file: in the file system.
        short_pages: whether figures are filled with curves.
    """

    def __init__(self, file: Path, short_pages: bool) -> None:
        self._address, self._short_pages = file, short_pages

    def start_worker(self, log: Path) -> WarmWorker:
        """Begin a worker of a study, as LocalExecutor does."""
        command = {
            "module": "mmx.study.worker", "words": [], "environment": dict(os.environ),
            "folder": str(Path.cwd()), "short pages": self._short_pages,
        }  # fmt: skip
        (hears, tells), (reads, answers) = os.pipe(), os.pipe()
        with log.open("ab") as told:
            heard = self._told(command, [hears, answers, told.fileno()])
        for end in (hears, answers):
            os.close(end)
        return WarmWorker(heard, os.fdopen(tells, "w"), os.fdopen(reads))

    def _told(self, command: Mapping[str, object], handles: list[int]) -> socket.socket:
        heard = self._connected()
        socket.send_fds(heard, [json.dumps(command).encode()], handles)
        return heard

    def _connected(self) -> socket.socket:
        heard = socket.socket(socket.AF_UNIX)
        try:
            heard.connect(str(self._address))
        except OSError:
            heard.close()
            raise
        return heard


def workers_of(warm: WarmAddress) -> Callable[[LocalExecutor], WarmWorker]:
    """``LocalExecutor._start`` that forks."""

    def start(executor: LocalExecutor) -> WarmWorker:
        worker = warm.start_worker(executor._log)
        executor._processes.add(worker)  # type: ignore[arg-type]  # what it needs of Popen
        return worker

    return start


class WarmPython(WarmAddress):
    """Does commands of mmx in copies of one process that has loaded the heavy libraries."""

    def __init__(
        self, python: Path, folder: Path, environment: Mapping[str, str], short_pages: bool
    ) -> None:
        super().__init__(folder / "warm", short_pages)
        self._begun = list[WarmProcess]()
        words = [python, Path(__file__).with_name("warm.py"), self._address]
        self._server = subprocess.Popen(words, env=environment, cwd=folder)

    def start(
        self,
        *words: object,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        module: str = "mmx_cli",
        short_pages: bool = False,
        forked_workers: bool = False,
    ) -> WarmProcess:
        """Begin ``python -m module words``, in this environment and folder unless others are given.

        Args:
            words: of the command.
            environment: of the process.
            folder: that it works in.
            module: mmx, or another program.
            short_pages: also where pages are made whole otherwise.
            forked_workers: the workers of its study are copies too, and make short pages.
        """
        command = {
            "module": module,
            "forked workers": forked_workers,
            "short pages": short_pages or self._short_pages,
            "words": [*map(str, words)],
            "environment": dict(os.environ if environment is None else environment),
            "folder": str(folder or Path.cwd()),
        }
        out, err = TemporaryFile(), TemporaryFile()  # noqa: SIM115 - the process closes them
        with Path(os.devnull).open("rb") as nothing:
            heard = self._told(command, [one.fileno() for one in (nothing, out, err)])
        self._begun.append(WarmProcess(heard, out, err))
        return self._begun[-1]

    def start_worker(self, log: Path) -> WarmWorker:
        """It ends with the test."""
        worker = super().start_worker(log)
        self._begun.append(worker)
        return worker

    def run(
        self,
        *words: object,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """The same to its end."""
        process = self.start(*words, environment=environment, folder=folder)
        out, err = process.communicate()
        return subprocess.CompletedProcess([*map(str, words)], process.wait(), out, err)

    def write_command(self, file: Path) -> None:
        """A program ``mmx`` for shells, whose commands copies of this process do."""
        self.run("--version")  # it answers from now on
        asked = Path(__file__).with_name("ask_warm.py")
        program = f'#!/bin/sh\nexec {sys.executable} -S {asked} {self._address} "$@"\n'
        file.write_text(program, encoding="utf-8")
        file.chmod(0o755)

    def tidy(self) -> None:
        """End what a test has left."""
        while self._begun:
            self._begun.pop().end()

    def end(self) -> None:
        """End all."""
        self.tidy()
        self._connected().close()
        self._server.wait()

    def _connected(self) -> socket.socket:
        begun = time.monotonic()
        while True:
            try:
                return super()._connected()
            except OSError:  # it still loads
                assert self._server.poll() is None
                assert time.monotonic() - begun < 120
                time.sleep(0.02)


@pytest.fixture(scope="session")
def warm_pythons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., WarmPython]]:
    """Start one: ``warm_pythons(python, environment)``; they end with the tests.

    Pages are made as for users, or with ``short_pages=True`` as the fixture of that name has it.
    """
    started: list[WarmPython] = []

    def start(
        python: Path, environment: Mapping[str, str], *, short_pages: bool = False
    ) -> WarmPython:
        folder = tmp_path_factory.mktemp("warm")
        started.append(WarmPython(python, folder, environment, short_pages))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.fixture(scope="session")
def warm_python(warm_pythons: Callable[..., WarmPython]) -> WarmPython:
    """That of this interpreter."""
    return warm_pythons(Path(sys.executable), os.environ, short_pages=True)


@pytest.fixture
def warm_workers(processes: "WarmPython", monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of studies are forked too; that they start cold is seen in tests/third_party."""
    monkeypatch.setattr(LocalExecutor, "_start", workers_of(processes))


@pytest.fixture
def processes(warm_python: WarmPython) -> Iterator[WarmPython]:
    """Starts commands of mmx; what a test has left of them ends with it."""
    yield warm_python
    warm_python.tidy()
