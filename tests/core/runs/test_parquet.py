"""Parquet from memory: no thread of pyarrow may call back into Python, or processes abort."""

import ast
import threading
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest

from mmx.runs import parquet_table

ROOT = Path(__file__).parents[3]


class Watched(BytesIO):
    """Notes which threads read from it."""

    threads: set[int]

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        Watched.threads = set()

    def read(self, size: int | None = -1, /) -> bytes:
        Watched.threads.add(threading.get_ident())
        return super().read(size)


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({f"c{n}": [n * 0.5] * 200 for n in range(12)} | {"word": ["a"] * 200})


def test_it_is_read_on_the_thread_that_asks(
    frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = frame.to_parquet(index=False)
    monkeypatch.setattr("mmx.runs.parquet.BytesIO", Watched)
    pd.testing.assert_frame_equal(parquet_table(content), frame)
    assert Watched.threads == {threading.get_ident()}
    pd.read_parquet(Watched(content))
    assert Watched.threads != {threading.get_ident()}  # what it is there for


def test_nothing_else_hands_a_file_of_python_to_the_reader_of_parquet() -> None:
    given = {
        file.relative_to(ROOT).as_posix(): ast.unparse(call.args[0])
        for folder in ("core", "plugins", "cli")
        for file in (ROOT / folder).rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("read_parquet")
    }
    assert set(given.values()) == {"path"}  # of a reader: pyarrow opens it itself
