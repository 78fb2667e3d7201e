"""A tiny model and a tiny part, with the surface of the real ones."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mmx.runs import RunFolder

TINY = Path(__file__).with_name("tiny.py")


@pytest.fixture(scope="session")
def tiny() -> Any:
    found = spec_from_file_location("tiny", TINY)
    assert found is not None
    module = module_from_spec(found)
    sys.modules["tiny"] = module
    assert found.loader is not None
    found.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "tiny", "0" * 12)


@pytest.fixture
def listener() -> Any:
    seen = SimpleNamespace(progressed=[], said=[])
    seen.progress = seen.progressed.append
    seen.message = seen.said.append
    return seen


class Server:
    """Trains in processes that can be killed."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(TINY)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **order: Any) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def start(self, folder: RunFolder, **order: Any) -> int:
        return self.ask(path=str(folder.path), **order)

    def wait(self, pid: int) -> int:
        return self.ask(wait=pid)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.process.communicate()  # its input ends, and so does it
