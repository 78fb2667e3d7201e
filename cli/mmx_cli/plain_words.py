"""A user's mistake ends a command with plain words; our own bugs keep their traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

import mmx

USER_MISTAKE = 2  # exit status


@contextmanager
def plain_words() -> Iterator[None]:
    """Print what mmx raises on purpose to stderr and exit with status 2; let all else pass."""
    try:
        yield
    except mmx.MmxError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(USER_MISTAKE) from error
