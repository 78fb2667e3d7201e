"""Files that name the rows of one part of a published split, and where in them a fault stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mmx.blocks import without_ending
from mmx.data.cells import texts_of
from mmx.data.tables import open_table
from mmx.errors import DataError, Fault
from mmx.files import read_regular

LINES = ".txt"
"""Ending of files that hold a name in each line and no header."""

_TEXTS = (LINES, ".csv", ".tsv", ".tab")
_LIMIT = 64 << 20  # bytes of a list of names
_SHOWN = 5

Rows = Mapping[str, Sequence[int]]
"""Name of rows -> their places among the samples."""


@dataclass(frozen=True, slots=True)
class SplitList:
    """Names of rows, or their indices.

    Attributes:
        path: of the file.
        names: one each, without outer blanks.
        lines: of the file, in which they stand; the header of a table is in the first.
        column: of a table; empty where the file has none.
    """

    path: Path
    names: Sequence[str]
    lines: Sequence[int]
    column: str = ""

    def faults(self, bad: Mapping[int, str]) -> list[str]:
        """What is wrong with the first of these names, by their places, at file:line:column."""
        texts = _lines(self.path) if self.path.suffix in _TEXTS else []
        told = [str(self._fault(place, why, texts)) for place, why in [*bad.items()][:_SHOWN]]
        more = len(bad) - _SHOWN
        return [*told, *([f"{self.path}: and {more} more"] if more > 0 else [])]

    def _fault(self, place: int, why: str, texts: Sequence[str]) -> Fault:
        name, line = self.names[place], self.lines[place]
        source = texts[line - 1] if line <= len(texts) else ""
        column = source.find(name) + 1
        if not column:  # a workbook, or a cell of several lines before it
            return Fault(f"row {line}: {why}", file=self.path)
        return Fault(why, file=self.path, line=line, column=column, source=source)


def read_list(path: Path, columns: Sequence[str]) -> SplitList:
    """The names in a file.

    Args:
        path: ends with ``.txt`` where each line is a name; else a table.
        columns: of a table, of which the first that is there counts.

    Raises:
        DataError: it cannot be read, or has none of these columns.
    """
    if path.suffix == LINES:
        lines = [(number, text.strip()) for number, text in enumerate(_lines(path), 1)]
        named = [(number, name) for number, name in lines if name]
        return SplitList(path, [name for _, name in named], [number for number, _ in named])
    found = open_table(path)
    table = found.cells
    column = next((name for name in columns if name in table.columns), None)
    if column is None:
        there = ", ".join(map(str, table.columns))
        raise DataError(
            f"the split file {path} names no rows: it needs a column {' or '.join(columns)}; it "
            f"has {there}; in a file that ends with {LINES} each line is a name, without a header"
        )
    cells = enumerate(texts_of(table[column]).tolist())
    named = [(found.numbers.of(row), name) for row, name in cells if name]
    return SplitList(path, [name for _, name in named], [row for row, _ in named], column)


def _lines(path: Path) -> list[str]:
    try:
        return read_regular(path, limit=_LIMIT).decode("utf-8-sig").splitlines()
    except FileNotFoundError:
        raise DataError(f"there is no file {path}, which data.split names; check it") from None
    except (OSError, UnicodeError) as error:
        raise DataError(f"the list {path} cannot be read: {error}; save it as UTF-8") from error


def rows_by_name(lists: Sequence[SplitList], known: Mapping[str, Sequence[str]]) -> Rows:
    """How lists without a header name the rows.

    A file may be named as the table has it, or without its folder and ending.

    Args:
        lists: of all parts.
        known: column -> names of all rows.

    Returns:
        The names of the column, in either form, that most of the listed names are of; no row where
        no column names any.
    """
    given = [name for one in lists for name in one.names]
    forms = [places_of(names) for names in known.values()]
    forms += [_bare(names) for names in known.values()]
    return max(forms, key=lambda form: sum(name in form for name in given), default={})


def places_of(names: Sequence[str]) -> Rows:
    """Rows by these names, one each."""
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        found.setdefault(name, []).append(place)
    return found


def _bare(names: Sequence[str]) -> Rows:
    """Rows by the names of files without folder and ending, where these are all different."""
    bare = [without_ending(PurePosixPath(name).name) for name in names]
    return places_of(bare) if len({*bare}) == len({*names}) else {}
