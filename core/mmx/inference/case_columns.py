"""Columns of new cases: joined of several tables, and those that the run reads required."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmx.blocks import MISSING_WORDS, read_cells
from mmx.data import joined, open_like, open_table, parts_of_cells, without_nulls
from mmx.errors import DataError, MmxError
from mmx.inference.case_table import CaseTable
from mmx.interfaces import Layout


def with_joined(table: CaseTable, join: Sequence[str | Path]) -> CaseTable:
    """The rows with what further tables say of them, as ``data.dataset.join`` joins them.

    Args:
        table: of new cases.
        join: further tables; each has columns in common with what was joined before it, by which
            its rows are found, and others that are added.

    Raises:
        DataError: a table that cannot be read or does not fit, or cases that are no table.
    """
    if join and table.gathered:
        raise DataError(
            f"{join[0]} cannot be joined to a single case; give its columns as its record"
        )
    for path in map(Path, join):
        found = joined(table.contents, path, open_table(path))
        table = replace(table, cells=without_nulls(found.cells), notes=tuple(found.notes))
    return table


def require(table: CaseTable, columns: Sequence[str], layout: Layout) -> None:
    """Refuse a table that lacks a column that the run reads.

    Args:
        table: of new cases.
        columns: that it must have.
        layout: of the run, which says whether its own columns came from several tables.

    Raises:
        DataError: names what is lacking, the joined table that each came from, and what to do.
    """
    lacking = [name for name in columns if name not in table.cells]
    if not lacking:
        return
    raise DataError(
        f"{table.name} has no column {_named(lacking)}, which this run reads; its columns are "
        f"{', '.join(map(str, table.cells.columns)) or 'none'}. {_of_joined(lacking, layout)}"
        "Map one with --column NEW=OLD, or state with --without what the cases lack"
    )


def _of_joined(lacking: Sequence[str], layout: Layout) -> str:
    """What is said of columns that the run has from joined tables; empty where none is."""
    told = [f"{_named(names)} from {path}" for path, names in _sources(lacking, layout)]
    if not told:
        return ""
    return (
        f"The spec of this run joins its tables: it has {', and '.join(told)}. Join the table that "
        "says it of these cases with --join FILE, or write the columns into the table. "
    )


def _sources(lacking: Sequence[str], layout: Layout) -> Iterator[tuple[str, Sequence[str]]]:
    """Joined tables, each with the columns of it that are lacking.

    A table that is no longer there may be the source of each that no other one has.
    """
    held = {path: _columns(path, layout) for path in layout.tables}
    left = [*lacking]
    for place, (path, columns) in enumerate(held.items()):
        names = [name for name in left if name in (columns or ())]
        left = [name for name in left if name not in names]
        if names and place:
            yield str(path), names
    lost = [str(path) for path, columns in held.items() if columns is None]
    if left and lost:
        yield f"{' or '.join(lost)}, no longer there", left


def _columns(path: Path, layout: Layout) -> Sequence[str] | None:
    """The columns of a table of the run; None where it cannot be read any more."""
    try:
        first = path == layout.tables[0]
        found = open_like(path, layout.reading) if first else open_table(path)
    except MmxError:
        return None
    return [*map(str, found.cells.columns)]


def grouped(table: CaseTable, layout: Layout) -> tuple[CaseTable, Layout]:
    """The rows with a column of their groups, for answers, which need none.

    A row that tells no group stands for itself. The column is one of its own, since groups may be
    parts of another one, such as the paths of images.
    """
    if layout.group is None:
        return table, layout
    words = MISSING_WORDS if layout.missing is None else layout.missing
    cells = read_cells(table.cells[layout.group], missing=words).texts
    groups = parts_of_cells(cells, layout.group, layout.group_pattern)[0].copy()
    for row in np.flatnonzero(groups == "").tolist():
        groups[row] = f"row {table.numbers.of(row)}"
    name = f"{layout.group}: group"
    own = replace(layout, group=name, group_pattern="")
    return replace(table, cells=table.cells.assign(**{name: groups})), own


def _named(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
