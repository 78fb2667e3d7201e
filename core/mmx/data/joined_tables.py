"""Further tables beside a table, such as metadata, labels or a split of the same cases."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mmx.blocks import read_cells
from mmx.errors import DataError
from mmx.interfaces import TableContents

if TYPE_CHECKING:
    from pandas import DataFrame

Key = tuple[str, ...]


def joined(own: TableContents, path: Path, further: TableContents) -> TableContents:
    """Each row with what another table says of it: the row with the same cells in all columns that
    both tables have.

    Args:
        own: its rows stay, in their order.
        path: of the other table, for messages.
        further: the other table; it has at most one row for each key.

    Returns:
        ``own`` with the columns that it lacks; None where the other table has no such row.

    Raises:
        DataError: no column is in both, none is new, a key stands twice in the other table, or it
            has nothing of any row.
    """
    keys = [name for name in further.cells.columns if name in own.cells.columns]
    new = [name for name in further.cells.columns if name not in keys]
    if not keys or not new:
        what = "no column in common" if not keys else "no column that is new"
        raise DataError(
            f"{path} has {what}: tables are joined by the columns of the same name, and it has "
            f"{', '.join(further.cells.columns)}; rename its columns in a copy"
        )
    rows = _rows_by_key(further, keys, path)
    places = [rows.get(key, -1) for key in keys_of(own.cells, keys)]
    cells = own.cells.copy()
    for name in new:
        column = further.cells[name].tolist()
        cells[name] = [column[place] if place >= 0 else None for place in places]
    lacking = places.count(-1)
    if places and lacking == len(places):
        raise DataError(
            f"{path} has nothing of any row: tables are joined by the columns of the same name "
            f"({', '.join(keys)}), and no row has the same cells there"
        )
    told = f"; it has nothing of {lacking} of {len(places)} rows" if lacking else ""
    note = f"{path.name} is joined by {', '.join(keys)}, and adds {', '.join(new)}{told}"
    return replace(own, cells=cells, notes=(*own.notes, *further.notes, note))


def keys_of(table: "DataFrame", names: Sequence[str]) -> list[Key]:
    """What each row has in these columns; a key with a blank cell is that of no row."""
    return [*zip(*(read_cells(table[name]).texts.tolist() for name in names), strict=True)]


def _rows_by_key(table: TableContents, names: Sequence[str], path: Path) -> dict[Key, int]:
    """Key -> place of its row."""
    rows: dict[Key, int] = {}
    for place, key in enumerate(keys_of(table.cells, names)):
        if all(key) and rows.setdefault(key, place) != place:
            told = ", ".join(f"{name} {cell}" for name, cell in zip(names, key, strict=True))
            both = f"{table.numbers.of(rows[key])} and {table.numbers.of(place)}"
            raise DataError(
                f"{path} has two rows of {told} (rows {both}), and tables "
                f"are joined by all columns that both have ({', '.join(names)}): one row each"
            )
    return rows
