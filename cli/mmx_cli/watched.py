"""Bars that show how far mmx has come with the work of a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mmx_cli.plain_words import plain_words

if TYPE_CHECKING:
    from mmx_cli.progress import Bars


@contextmanager
def watched() -> Iterator["Bars"]:
    """An observer that draws bars on stderr; a mistake of the user ends the command after them."""
    from mmx_cli.progress import Bars, Console  # rich, which no other command should wait for

    with plain_words(), Bars(Console(stderr=True)) as bars:
        yield bars
