"""Rows of a table as samples, by a layout that says which column holds what.

Rows are counted as a spreadsheet shows them: the header is row 1. Paths of images are relative to a
root folder and may not leave it.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from mmx.data.tables import inside
from mmx.errors import DataError
from mmx.interfaces import Layout, Rejected, Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame, Series


class TableRows(Sequence[Sample]):
    """Builds each Sample when it is asked for, so that a million rows take little memory.

    Attributes:
        rejected: rows that cannot be used, with the reason.
    """

    def __init__(self, layout: Layout, table: "DataFrame", folder: Path) -> None:
        """Read the columns.

        Args:
            layout: which column holds what.
            table: as ``read_table`` gives it.
            folder: of the images, where the layout names none.
        """
        self._root = (layout.root or folder).absolute()
        self._images = [_text(table[name]) for name in layout.images]
        self._group = None if layout.group is None else _text(table[layout.group])
        self._id = None if layout.id is None else _text(table[layout.id])
        self._label = None if layout.label is None else _text(table[layout.label])
        names = [*layout.record, *([layout.text] if layout.text else [])]
        self._record = {name: _values(table[name], name == layout.text) for name in names}
        self.rejected: list[Rejected] = []
        self._kept = self._usable(len(table), layout)

    def classes(self) -> tuple[str, ...]:
        """Labels in the table, sorted; DataError without a column of labels."""
        if self._label is None:
            raise DataError("without a label column, state the classes: classes: [a, b]")
        return tuple(sorted(set(self._label[self._kept]) - {""}))

    def cells(self, column: "Series[Any]") -> Sequence[str]:
        """A column of the table as strings, for the rows that can be used."""
        cells: Sequence[str] = _text(column)[self._kept].tolist()
        return cells

    def names(self, layout: Layout) -> dict[str, Sequence[str]]:
        """Ids, then paths of images, by column, for the rows that can be used."""
        found = {} if layout.id is None or self._id is None else {layout.id: self._id}
        found |= dict(zip(layout.images, self._images, strict=True))
        return {column: cells[self._kept].tolist() for column, cells in found.items()}

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, place: int) -> Sample: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Sample]: ...
    def __getitem__(self, place: int | slice) -> Sample | Sequence[Sample]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        row = int(self._kept[place])
        name = str(row + 2) if self._id is None else self._id[row]
        return Sample(
            id=name,
            group=f"row {row + 2}" if self._group is None else self._group[row],
            images=tuple(self._root / paths[row] for paths in self._images if paths[row]),
            record={column: values[row] for column, values in self._record.items()},
            label=(self._label[row] or None) if self._label is not None else None,
            numbered=self._id is None,
        )

    def _usable(self, rows: int, layout: Layout) -> "NDArray[np.int64]":
        """Row numbers that can be used; the others go to ``rejected``."""
        faults: dict[int, str] = {}
        for name, values in ((layout.group, self._group), (layout.id, self._id)):
            if values is not None:
                empty = np.flatnonzero(values == "")
                faults.update(dict.fromkeys(empty.tolist(), f"column {name!r} is empty"))
        for name, paths in zip(layout.images, self._images, strict=True):
            faults.update(_leaving(self._root, paths, name))
        seen = [values != "" for values in self._images]
        if layout.text is not None:
            seen.append(np.array([value is not None for value in self._record[layout.text]]))
        nothing = np.flatnonzero(~np.any(seen, axis=0))
        faults.update(dict.fromkeys(nothing.tolist(), "has neither an image nor a text"))
        self.rejected = [Rejected(f"row {row + 2}", faults[row]) for row in sorted(faults)]
        return np.setdiff1d(np.arange(rows), np.fromiter(faults, np.int64, len(faults)))


def check_columns(layout: Layout, table: "DataFrame", name: str) -> None:
    """DataError when the table lacks a column of the layout; the columns that are there are named.

    Args:
        layout: which column holds what.
        table: as ``read_table`` gives it.
        name: of the table, for the words.
    """
    single = (layout.text, layout.label, layout.group, layout.id)
    wanted = [*layout.images, *(name for name in single if name is not None), *layout.record]
    lacking = [name for name in dict.fromkeys(wanted) if name not in table.columns]
    if lacking:
        raise DataError(
            f"{name} has no column {', '.join(map(repr, lacking))}; "
            f"its columns are {', '.join(map(str, table.columns))}"
        )
    if layout.label is not None and layout.label in layout.record:
        raise DataError(f"the label column {layout.label!r} must not be in the record as well")


def _leaving(root: Path, paths: "NDArray[np.object_]", column: str) -> dict[int, str]:
    """Row -> reason, for paths that leave the root; each folder is looked at once."""
    faults, known = {}, set[str]()
    start = f"{root}{os.sep}"  # os.path.join per row takes a third of the time
    for row, path in enumerate(paths.tolist()):
        folder, name = os.path.split(path)
        plain = name not in ("", ".", "..") and not os.path.islink(start + path)
        if not path or (plain and folder in known):
            continue
        try:
            inside(root, path)
        except DataError as error:
            faults[row] = f"column {column!r}: {error}"
        else:
            known.update([folder] if plain else [])
    return faults


def _text(column: "Series[Any]") -> "NDArray[np.object_]":
    """Cells as strings without outer spaces, whole numbers without '.0'; missing is ''.

    Each cell is read by itself: what another row holds never changes it.
    """
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


def _whole(cell: object) -> bool:
    return isinstance(cell, float) and cell.is_integer()


def _values(column: "Series[Any]", is_text: bool) -> "NDArray[np.object_]":
    """Numbers where all filled cells are numbers, else strings; missing is None."""
    cells = _text(column)
    filled = cells != ""
    values = cells.copy()
    if not is_text:
        with suppress(ValueError):  # words
            values[filled] = cells[filled].astype(np.float64).tolist()
    values[~filled] = None
    return values
