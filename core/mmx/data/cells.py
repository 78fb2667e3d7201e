"""Cells of a column as texts, paths, numbers and values; what another row holds changes none.

The one exception are values whose kind nobody states: a column is of numbers when all its filled
cells are.
"""

import math
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmx.errors import DataError
from mmx.interfaces import FieldKind

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import Series

    Cells = NDArray[np.object_]

Faults = dict[int, str]
"""Row -> why it cannot be used."""


def texts_of(column: "Series[Any]") -> "Cells":
    """Strings without outer spaces, whole numbers without '.0'; missing is ''."""
    known: dict[str, str] = {}  # one string for equal cells
    cells = np.empty(len(column), dtype=object)
    pairs = zip(column.tolist(), column.isna().tolist(), strict=True)
    for row, (cell, missing) in enumerate(pairs):
        if missing:
            cells[row] = ""
        elif isinstance(cell, str):
            cells[row] = known.setdefault(cell, cell.strip())
        elif isinstance(cell, list | tuple | dict | set | bytes | np.ndarray):
            raise DataError(
                f"column {str(column.name)!r} holds {type(cell).__name__} in row {row + 2}; "
                "a cell must be a text, a number or a date"
            )
        else:
            cells[row] = str(int(cell)) if _whole(cell) else str(cell).strip()
    return cells


def paths_of(column: "Series[Any]") -> "Cells":
    """Texts, but a ``Path``, which no file can hold and a program means as it is, made absolute."""
    cells = texts_of(column)
    for row, cell in enumerate(column.tolist()):
        if isinstance(cell, Path):
            cells[row] = cell.absolute()
    return cells


def values_of(column: "Series[Any]", kind: FieldKind | None) -> "tuple[Cells, Faults]":
    """Numbers as float, words as strings, missing as None.

    Args:
        column: as ``read_table`` gives it.
        kind: None: numbers where all filled cells are numbers, else words.

    Returns:
        The values, and the rows whose cell is no number where a number must be.
    """
    cells = texts_of(column)
    values, faults = cells.copy(), Faults()
    values[cells == ""] = None
    if kind == "word":
        return values, faults
    if kind is None:
        with suppress(ValueError):  # words
            filled = cells != ""
            values[filled] = cells[filled].astype(np.float64).tolist()
        return values, faults
    for row, cell in enumerate(cells.tolist()):
        if not cell:
            continue
        number = _number(cell)
        if number is not None:
            values[row] = number
        elif kind == "number":
            values[row] = None
            faults[row] = f"column {str(column.name)!r}: {cell!r} is not a number"
    return values, faults


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _whole(cell: object) -> bool:
    return isinstance(cell, float) and cell.is_integer()
