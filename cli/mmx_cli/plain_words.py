"""A user's mistake ends a command with plain words; our own bugs keep their traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

import mmx
from mmx_cli.terminal import say

LINE = 2000  # characters of one that is printed
USER_MISTAKE = 2  # exit status
PARTLY_DONE = 3  # exit status: some of the work could not be done, the rest was


def cut_lines(text: str) -> str:
    """The text with each of its lines cut where it is longer than anybody reads."""
    lines = text.split("\n")
    return "\n".join(one if len(one) <= LINE else _cut(one) for one in lines)


def _cut(line: str) -> str:
    left = len(line) - LINE
    return f"{line[: LINE - 200]} ... ({left} characters are left out) ... {line[-200:]}"


@contextmanager
def plain_words() -> Iterator[None]:
    """Print what mmx raises on purpose to stderr and exit with status 2; let all else pass.

    A path, a disk or a permission that the system refuses is a mistake of the user as well.
    """
    try:
        yield
    except mmx.MmxError as error:
        say(f"error: {cut_lines(str(error))}", err=True)
        raise typer.Exit(USER_MISTAKE) from error
    except BrokenPipeError:  # nobody reads on, such as behind `| head`; click ends quietly
        raise
    except OSError as error:
        place = f"{error.filename!r}: " if error.filename else ""
        say(f"error: {cut_lines(place)}{error.strerror or error}", err=True)
        raise typer.Exit(USER_MISTAKE) from error
