"""A command says what it does before it loads anything heavy, and leaves what it loads alone."""

import gc
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmx_cli import __main__ as program

BOUND = 3.0  # seconds; 0.3 on an idle machine, and torch alone takes longer on a busy one

COMMANDS = [
    ["run", "there.yaml"],
    ["audit", "there.yaml"],
    ["narratives", "there.yaml"],
    ["study", "run", "there.yaml"],
    ["evaluate", "there", "--data", "there.csv"],
    ["predict", "there", "--text", "a spot"],
    ["reproduce", "there"],
]


def until_the_first_line(words: list[str], folder: Path) -> tuple[float, str]:
    start = time.perf_counter()
    command = [sys.executable, "-m", "mmx_cli", *words]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as done:
        assert done.stderr is not None
        line = done.stderr.readline()
        taken = time.perf_counter() - start
        done.kill()
    return taken, line


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_first_line_comes_at_once(words: list[str], tmp_path: Path) -> None:
    found = [until_the_first_line(words, tmp_path) for _ in range(2)]
    assert all(line.startswith(("reading there", "opening there")) for _, line in found), found
    assert min(taken for taken, _ in found) < BOUND


def test_the_program_looks_for_garbage_less_often_than_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    monkeypatch.setattr(program, "app", lambda **_: seen.append(gc.get_threshold()))
    before = gc.get_threshold()
    try:
        program.main()
    finally:
        gc.set_threshold(*before)
    assert seen == [(program.YOUNG, *before[1:])]
    assert program.YOUNG > 700
