"""Tables of text; rich would double the time that listing methods takes."""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

import typer

GAP = "  "


def lines(
    columns: Sequence[str], rows: Sequence[Sequence[str]], colours: Mapping[str, str]
) -> Iterator[str]:
    """Lines of a table whose last column wraps at the edge of a terminal.

    Args:
        columns: their names.
        rows: one cell per column.
        colours: by what stands in a cell.
    """
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    yield typer.style(next(_row(columns, widths, None, {})), bold=True)
    for row in rows:
        yield from _row(row, widths, room, colours)


def _row(
    cells: Iterable[str], widths: Sequence[int], room: int | None, colours: Mapping[str, str]
) -> Iterator[str]:
    """The lines of one row; cells are padded before they are coloured, as colours have no width."""
    *first, last = cells
    padded = [cell.ljust(width) for cell, width in zip(first, widths, strict=False)]
    margin = len(GAP.join([*padded, ""]))
    coloured = [
        typer.style(wide, fg=colours[cell]) if cell in colours else wide
        for cell, wide in zip(first, padded, strict=True)
    ]
    told = [last] if room is None else textwrap.wrap(last, max(room - margin, 20)) or [""]
    yield GAP.join([*coloured, told[0]]).rstrip()
    yield from (" " * margin + line for line in told[1:])
