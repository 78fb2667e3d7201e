"""A user's mistake ends a command with plain words; our own bugs keep their traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

import mmx
from mmx_cli.terminal import say

USER_MISTAKE = 2  # exit status
PARTLY_DONE = 3  # exit status: some of the work could not be done, the rest was


@contextmanager
def plain_words() -> Iterator[None]:
    """Print what mmx raises on purpose to stderr and exit with status 2; let all else pass."""
    try:
        yield
    except mmx.MmxError as error:
        say(f"error: {error}", err=True)
        raise typer.Exit(USER_MISTAKE) from error
