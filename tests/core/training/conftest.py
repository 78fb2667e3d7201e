"""A tiny model and a tiny part, with the surface of the real ones."""

import json
import socket
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

    def start_together(self, folder: RunFolder, processes: int, **order: Any) -> list[int]:
        """Processes that train together; their process ids."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        shared = {
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(processes),
            "LOCAL_WORLD_SIZE": str(processes), "ACCELERATE_USE_CPU": "true",
            "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        return [
            self.start(folder, environment={**shared, "RANK": rank, "LOCAL_RANK": rank}, **order)
            for rank in map(str, range(processes))
        ]

    def wait(self, pid: int) -> int:
        return self.ask(wait=pid)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.process.communicate()  # its input ends, and so does it
