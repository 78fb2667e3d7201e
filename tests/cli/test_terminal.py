"""All that reaches the terminal goes through one place, which spells control characters out."""

import ast
import logging
from pathlib import Path

import pytest

import mmx_cli
from mmx import commands
from mmx_cli.progress import Bars, Console
from mmx_cli.terminal import hear_log, say, say_table, shown

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202ename\u2028\r"
RAW = ("\x1b", "\x07", "\x9b", "\u202e", "\u2028", "\r")


def test_no_module_prints_around_the_terminal() -> None:
    for file in Path(mmx_cli.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            allowed = ("terminal.py",) if called.startswith("typer.") else ("progress.py",)
            if called in ("print", "typer.echo", "typer.secho") or called.endswith("console.print"):
                assert file.name in allowed, f"{file.name}:{node.lineno} prints by itself"


def test_control_characters_are_spelt_out_and_words_stay() -> None:
    assert not any(raw in shown(EVIL) for raw in RAW)
    plain = "Größe 部位 12\u202f% 3\u00a0mm – naïve\n\tnext"
    assert shown(plain) == plain


def test_lines_and_tables_are_spelt_out(capsys: pytest.CaptureFixture[str]) -> None:
    say(EVIL)
    say(EVIL, err=True)
    say_table(["name"], [[EVIL + "\nmmx: all is well"]], {})
    found = capsys.readouterr()
    assert not any(raw in found.out + found.err for raw in RAW)
    assert len(found.out.splitlines()) == 3  # a cell is no line of its own


def test_progress_and_messages_are_spelt_out(capsys: pytest.CaptureFixture[str]) -> None:

    with Bars(Console(stderr=True, force_terminal=False)) as bars:
        bars.message(EVIL + " [red]markup[/red]")
        bars.progress(commands.Progress(EVIL + "[/]", 1, 2))
    found = capsys.readouterr().err
    assert not any(raw in found for raw in RAW)
    assert "[red]markup[/red]" in found


def test_what_core_notes_in_its_log_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    hear_log()
    hear_log()
    logging.getLogger("mmx.data").warning("%s is damaged", EVIL)
    found = capsys.readouterr().err
    assert found.count("is damaged") == 1
    assert not any(raw in found for raw in RAW)
