"""Cells of a column as texts, paths, numbers and values; what another row holds changes none.

The one exception are values whose kind nobody states: a column is of numbers when all its filled
cells are.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmx.blocks import MISSING_WORDS, read_cells, with_written_lists
from mmx.blocks import Cells as ReadCells
from mmx.data.decimal_commas import with_point, with_points
from mmx.interfaces import Box, FieldKind, Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import Series

    Cells = NDArray[np.object_]

Faults = dict[int, str]
"""Row -> why it cannot be used."""


def missing_in(layout: Layout, column: str) -> tuple[str, ...]:
    """Words that mean missing in a column; a class that is stated is no such word."""
    words = MISSING_WORDS if layout.missing is None else layout.missing
    if column != layout.label:
        return words
    stated = {one.casefold() for one in (*(layout.classes or ()), *layout.labels.map)}
    return tuple(word for word in words if word.casefold() not in stated)


def read_column(layout: Layout, column: "Series[Any]") -> ReadCells:
    """Texts of a column as a layout means them: what is missing, and lists of several labels."""
    name = str(column.name)
    several = name == layout.label and layout.labels.several == "each"
    own = with_written_lists(column) if several else column
    return read_cells(own, missing=missing_in(layout, name))


def texts_of(column: "Series[Any]") -> "Cells":
    """Strings without outer spaces, whole numbers without '.0'; missing is ''.

    Only null and the empty cell are missing here; ``read_cells`` knows words for it.
    """
    return read_cells(column, missing=()).texts


def paths_of(column: "Series[Any]", cells: "Cells") -> "Cells":
    """These texts, but a ``Path``, which a program means as it is, made absolute."""
    for row, cell in enumerate(column.tolist()):
        if isinstance(cell, Path):
            cells[row] = cell.absolute()
    return cells


def values_of(name: str, cells: "Cells", kind: FieldKind | None) -> "tuple[Cells, Faults]":
    """Numbers as float, words as strings, missing as None.

    Args:
        name: of the column.
        cells: its texts; empty where one is missing.
        kind: None: numbers where all filled cells are numbers, else words. A comma is a decimal
            point where no cell speaks against it; of ``1,250`` alone nobody knows.

    Returns:
        The values, and the rows whose cell is no number where a number must be.
    """
    values, faults = cells.copy(), Faults()
    values[cells == ""] = None
    if kind == "word":
        return values, faults
    if kind is None:
        with suppress(ValueError):  # words
            filled = cells != ""
            values[filled] = with_points(cells[filled]).astype(np.float64).tolist()
        return values, faults
    for row, cell in enumerate(cells.tolist()):
        if not cell:
            continue
        number = _number(cell)
        if number is not None:
            values[row] = number
        elif kind == "number":
            values[row] = None
            faults[row] = f"column {name!r}: {cell!r} is not a number"
    return values, faults


def _number(cell: str) -> float | None:
    try:
        number = float(with_point(cell))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def boxes_of(
    columns: Sequence[str], sides: Sequence[Sequence[float | None]], faults: Faults
) -> list[Box | None]:
    """The box of each row; None where no side of it is known.

    Args:
        columns: of left, top, right and bottom.
        sides: their cells.
        faults: row -> why it cannot be used; rows with a part of a box, or an empty one, are added.
    """
    boxes: list[Box | None] = []
    for row, (left, top, right, bottom) in enumerate(zip(*sides, strict=True)):
        if left is not None and top is not None and right is not None and bottom is not None:
            boxes.append((left, top, right, bottom))
            whole = left < right and top < bottom
        else:
            boxes.append(None)
            whole = left is top is right is bottom is None
        if not whole:
            told = f"columns {', '.join(columns)} are no box: left < right and top < bottom"
            faults.setdefault(row, told)
    return boxes
