"""What reaches the terminal, all of it through here.

A terminal obeys control characters: they rename its window, clear it, hide or forge lines. Names,
texts and messages come from tables, runs and studies of other people, so whatever is printed is
spelt out first; colours are put on after that.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any
from unicodedata import category

import typer

from mmx_cli.table import lines


def shown(text: str) -> str:
    """A text whose control characters are spelt out, for a terminal would obey them."""
    return "".join(one if _harmless(one) else _spelt(one) for one in text)


def _harmless(one: str) -> bool:
    # narrow and wide spaces are not printable to Python, but do nothing
    return one.isprintable() or one in "\n\t" or category(one) == "Zs"


def _spelt(one: str) -> str:
    return one.encode("unicode_escape").decode()


def say(text: str, *, err: bool = False, nl: bool = True, **style: Any) -> None:
    """Print a text; ``style`` is what ``typer.style`` takes, such as ``bold``."""
    typer.secho(shown(text), err=err, nl=nl, **style)


def begin(words: str) -> None:
    """Say what is done first, before the libraries are loaded, which takes seconds."""
    say(f"{words} ...", err=True)
    sys.stderr.flush()


def say_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], colours: Mapping[str, str]
) -> None:
    """Print a table; ``colours`` go by what stands in a cell."""
    safe = [[_in_one_line(cell) for cell in row] for row in rows]
    for line in lines([_in_one_line(name) for name in columns], safe, colours):
        typer.echo(line)


def _in_one_line(cell: str) -> str:
    """A cell that cannot pretend to be another row."""
    return " ".join(shown(cell).split("\n"))


class _LogPrinter(logging.Handler):
    """Prints what core notes in its log: damaged caches that are made again, and the like."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one note."""
        say(f"note: {record.getMessage()}", err=True)


def hear_log() -> None:
    """Print notes of core from now on."""
    log = logging.getLogger("mmx")
    if not any(isinstance(one, _LogPrinter) for one in log.handlers):
        log.addHandler(_LogPrinter())
