"""Rows that repeat the names of the columns, as tables have them that were pasted together."""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mmx.interfaces import RowNumbers, TableContents

if TYPE_CHECKING:
    from pandas import DataFrame

_SHOWN = 4  # rows named in a sentence


def without_repeated_names(found: TableContents) -> TableContents:
    """The table without rows in which every cell is the name of its column; they are no cases.

    Case and outer spaces do not count. The other rows keep their numbers, and what is left out is
    told.
    """
    places = _repeated(found.cells)
    if not places:
        return found
    kept = np.delete(np.arange(len(found.cells)), places)
    in_file = [RowNumbers(0, found.left_out).of(place) for place in places]
    faults = {
        row - bisect(places, row): why for row, why in found.faults.items() if row not in places
    }
    return replace(
        found,
        cells=found.cells.iloc[kept].reset_index(drop=True),
        notes=(*found.notes, _told(in_file, found.first_row)),
        faults=faults,
        left_out=tuple(sorted((*found.left_out, *in_file))),
    )


def _repeated(cells: "DataFrame") -> list[int]:
    """Places of such rows; most rows are told by one of their cells."""
    names = [_plain(name) for name in cells.columns]
    named = next((index for index, name in enumerate(names) if name), None)
    if named is None:
        return []
    column = cells.iloc[:, named].tolist()
    some = [row for row, cell in enumerate(column) if _plain(cell) == names[named]]
    return [row for row in some if [*map(_plain, cells.iloc[row].tolist())] == names]


def _plain(cell: object) -> str | None:
    """A text without case and outer spaces; a missing cell is an empty one, others are none."""
    if isinstance(cell, str):
        return cell.strip().casefold()
    return "" if cell is None else None


def _told(places: Sequence[int], first_row: int) -> str:
    shown = ", ".join(str(place + first_row) for place in places[:_SHOWN])
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    what = "row" if len(places) == 1 else "rows"
    return (
        f"rows that only repeat the names of the columns are left out: {len(places)} "
        f"({what} {shown}{more})"
    )
