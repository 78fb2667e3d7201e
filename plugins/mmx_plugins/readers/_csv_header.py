"""The first lines of a CSV: titles, the names of the columns, and the sign between cells."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mmx import DataError
from mmx.blocks import ends_as_image

_LIMIT = 1 << 22  # characters of the first line
_LOOKED_AT = 1 << 16  # characters in which titles and the sign are looked for
_ROWS = 5  # that must have as many cells as the names
_TITLES = 10  # lines that may be titles
_WIDE = 3  # names from which on lines above them may be titles
TABS = (".tsv", ".tab", ".tsv.gz", ".tab.gz")


@dataclass(frozen=True, slots=True)
class Header:
    """Where a table begins.

    Attributes:
        line: with the names of the columns.
        separator: between its cells.
        above: lines above it, which hold one cell or none.
    """

    line: str
    separator: str
    above: int = 0


def opened(source: Path | io.BytesIO) -> io.TextIOWrapper:
    """The text from its beginning; a source in memory stays open where others read it too."""
    stream = source.open("rb") if isinstance(source, Path) else io.BytesIO(source.getbuffer())
    return io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")


def header_of(source: Path | io.BytesIO, path: Path, stated: str | None) -> Header:
    """The line of the names: the first one, or the first with several cells below titles.

    Args:
        source: the text.
        path: of the file, for its ending and messages.
        stated: the sign between cells; None: what parts these lines.

    Raises:
        DataError: the first line has no end.
    """
    with opened(source) as file:
        first = file.readline(_LIMIT)
        if len(first) == _LIMIT:
            raise DataError(
                f"{path} has a first line of more than {_LIMIT} characters; a table begins with "
                "a row of column names"
            )
        head = first + file.read(_LOOKED_AT) + file.readline(_LIMIT)  # whole rows
    found = Header(first, stated or _seen(first, head, path))
    if sum(map(bool, _cells(first, found.separator))) > 1:
        return found
    return next(_below_titles(head, path, stated), found)


def below(source: Path | io.BytesIO, header: Header) -> Path | io.BytesIO:
    """The text from the names of the columns on."""
    if not header.above:
        return source
    with opened(source) as file:
        for _ in range(header.above):
            file.readline()
        return io.BytesIO(file.read().encode("utf-8"))


def _below_titles(head: str, path: Path, stated: str | None) -> Iterator[Header]:
    """The first line with several cells, as many as the rows below it have."""
    lines = head.splitlines(keepends=True)
    for place, line in enumerate(lines[1 : _TITLES + 1], start=1):
        rest = "".join(lines[place:])
        sign = stated or _seen(line, rest, path)
        names = [cell for cell in _cells(line, sign) if cell]
        if len(names) >= _WIDE and _are_names(names) and _width(rest, sign):
            yield Header(line, sign, place)
        if len(names) > 1:
            return


def _are_names(cells: Sequence[str]) -> bool:
    """Whether these may name columns: a.jpg;b.jpg;c.jpg is a cell below the name of one column."""
    return not any(ends_as_image(cell) or cell.isdecimal() for cell in cells)


def _cells(line: str, sign: str) -> list[str]:
    with suppress(csv.Error):
        return [cell.strip() for cell in next(csv.reader([line], delimiter=sign), [])]
    return []


def _seen(line: str, head: str, path: Path) -> str:
    """The sign between the names of the columns.

    Where they hold several, that which parts each of the first rows into as many cells as the
    names: such as ``Size, in mm`` hold a comma and are parted by semicolons.
    """
    if path.name.lower().endswith(TABS) and "\t" in line:
        return "\t"
    signs = [sign for sign in ",;\t" if sign in line]
    if len(signs) > 1:
        widths = {sign: _width(head, sign) for sign in signs}
        return max(signs, key=lambda sign: widths[sign])
    return signs[0] if signs else _rare(line)


def _rare(line: str) -> str:
    return "|" if "|" in line else ","


def _width(head: str, sign: str) -> int:
    """Cells of each of the first rows; 0 where they are not alike."""
    rows: Sequence[list[str]] = ()
    with suppress(csv.Error):  # a sign that is none may leave quotes open
        read = csv.reader(io.StringIO(head, newline=""), delimiter=sign)
        rows = [row for row in islice(read, _ROWS) if row]
    counts = {len(row) for row in rows}
    return counts.pop() if len(counts) == 1 else 0
