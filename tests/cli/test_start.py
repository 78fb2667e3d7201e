"""A command says what it does before it loads anything heavy, and leaves what it loads alone."""

import gc
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from mmx_cli import __main__ as program
from mmx_cli.main import app

BOUND = 3.0  # seconds; 0.3 on an idle machine, and torch alone takes longer on a busy one

COMMANDS = [
    ["run", "there.yaml"],
    ["audit", "there.yaml"],
    ["narratives", "there.yaml"],
    ["study", "run", "there.yaml"],
    ["evaluate", "there", "--data", "there.csv"],
    ["predict", "there", "--text", "a spot"],
    ["reproduce", "there"],
    ["init", "--table", "there.csv"],
    ["study", "report", "there"],
]
# read a spec or installed methods, and no data
QUICK = {
    "plugins list", "plugins show", "plugins check", "plugins new", "spec check", "spec show",
    "spec diff", "spec schema", "study list",
}  # fmt: skip


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


def names_of(command: object) -> set[str]:
    """All commands below one, as they are typed."""
    below = getattr(command, "commands", {})
    found = {f"{name} {end}".strip() for name, one in below.items() for end in names_of(one)}
    return found or {""}


def test_every_command_that_reads_data_is_asked() -> None:
    asked = {name for name in names_of(typer.main.get_command(app)) if name not in QUICK}
    assert asked == {next(name for name in asked if " ".join(words).startswith(name))
                     for words in COMMANDS}  # fmt: skip
