"""Long tables: the rows of a case become one, with all of its images.

A fact that two rows of a case state differently is a fault of the case, never picked; one that some
rows leave blank is taken from those that state it, and told.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mmx.data.case_images import CaseOrder, gathered_images, image_columns
from mmx.data.cell_parts import parts_of_cells
from mmx.data.cells import Faults, paths_of, read_column
from mmx.data.image_cells import image_cells
from mmx.errors import DataError, SettingsError
from mmx.interfaces import Layout, LongTable, RowNumbers, TableContents

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame, Series

    from mmx.data.cells import Cells

_SHOWN = 8  # values named in a sentence


@dataclass(frozen=True, slots=True)
class _Cases:
    """Which case each row belongs to.

    Attributes:
        codes: [n], number of the case of each row, by first appearance.
        names: [G], of the cases; ``row N`` where a row names none.
        faults: case -> why it cannot be used.
        numbers: of the rows, for messages.
    """

    codes: "NDArray[np.int64]"
    names: "Cells"
    faults: Faults
    numbers: RowNumbers

    @property
    def first(self) -> "NDArray[np.int64]":
        """[G], the first row of each case."""
        return _first_of(self.codes, np.arange(len(self.codes)), len(self.names))


class Gathering:
    """The rows of a table as cases, one row each; the rows themselves where it is not long."""

    def __init__(self, found: TableContents, layout: Layout) -> None:
        """Gather.

        Args:
            found: a table that has the columns of ``layout.joining``.
            layout: what is read of a case; facts that the table lacks are left out.
        """
        self._found = found
        self._layout = layout

    @cached_property
    def contents(self) -> TableContents:
        """Gathered rows, with columns of images as ``LongTable.gathered`` names them.

        Faults are by gathered rows.
        """
        found, layout = self._found, self._layout
        if layout.long_table is None:
            return found
        return _gathered(found, layout, layout.long_table, self._cases)

    @cached_property
    def _cases(self) -> _Cases:
        long = self._layout.long_table
        return _cases(self._layout, LongTable(()) if long is None else long, self._found)

    def column(self, name: str) -> "Series[Any]":
        """A further column, by case.

        Raises:
            DataError: rows of one case differ in it.
        """
        column = self._found.cells[name]
        if self._layout.long_table is None:
            return column
        cases = replace(self._cases, faults={})
        cells, _ = _fact(self._layout, column, cases)
        if cases.faults:
            told = [f"case {cases.names[case]}: {why}" for case, why in cases.faults.items()]
            raise DataError(f"{len(told)} cases state a column twice: {'; '.join(told[:3])}")
        found: Series[Any] = column._constructor(_column(cells), name=name)
        return found

    def constant(self, name: str) -> bool:
        """Whether the rows of each case agree in a column."""
        try:
            self.column(name)
        except DataError:
            return False
        return True

    def check_views(self) -> None:
        """Refuse views of the settings that no row has.

        Raises:
            SettingsError: names the views of the table.
        """
        long = self._layout.long_table
        if long is None or not long.view:
            return
        seen = Counter(_joined(self._layout, long.view, self._found.cells).tolist())
        told = [f"{view!r} ({count} x)" for view, count in seen.most_common(_SHOWN) if view]
        there = f"the column {' + '.join(long.view)} holds {', '.join(told)}"
        stated: list[tuple[str | int, str]] = [*enumerate(long.places)]
        stated += [(kind, view) for kind, views in long.kinds.items() for view in views]
        lost = [(key, view) for key, view in stated if view not in seen]
        if lost:
            raise SettingsError(
                [(("views", key), f"no row shows {view!r}; {there}") for key, view in lost]
            )


def _gathered(
    found: TableContents, layout: Layout, long: LongTable, cases: _Cases
) -> TableContents:
    """One row for each case."""
    table = found.cells
    cases = replace(cases, faults={**cases.faults})
    for row, why in found.faults.items():
        cases.faults.setdefault(int(cases.codes[row]), f"row {found.numbers.of(row)}: {why}")
    columns: dict[str, Sequence[Any] | Cells] = {long.name: cases.names}
    notes = [f"{len(table)} rows are {len(cases.names)} cases (case: {', '.join(long.case)})"]
    for name, source in _facts(layout, long, table).items():
        columns[name], blank = _fact(layout, table[source], cases)
        if blank:
            notes.append(
                f"column {source!r} is blank in {blank} rows of cases of which other rows state "
                "it; what they state counts"
            )
    if all(name in table.columns for name in layout.joining):
        columns |= _images(layout, long, table, cases)
        notes += _unread_views(layout, long, table)
    cells = table.__class__({name: _column(one) for name, one in columns.items()})
    return replace(found, cells=cells, faults=cases.faults, notes=(*found.notes, *notes))


def _cases(layout: Layout, long: LongTable, found: TableContents) -> _Cases:
    """Rows by the case that they name; a row that names none stands for itself."""
    columns, table = long.case, found.cells
    joined = _joined(layout, columns, table)
    names, lacking = parts_of_cells(joined, " + ".join(columns), long.pattern, "case")
    names = names.copy()
    blank = np.flatnonzero(names == "")
    names[blank] = [f"row {found.numbers.of(row)}" for row in blank.tolist()]
    known: dict[str, int] = {}
    codes = [known.setdefault(name, len(known)) for name in names.tolist()]
    why = f"the case is not named: {' and '.join(map(repr, columns))} must be filled"
    faults: Faults = {codes[row]: lacking.get(row, why) for row in blank.tolist()}
    known_names = np.array([*known], dtype=object)
    return _Cases(np.array(codes, dtype=np.int64), known_names, faults, found.numbers)


def _joined(layout: Layout, columns: Sequence[str], table: "DataFrame") -> "Cells":
    """The texts of several columns, joined by blanks; empty where one of them is."""
    parts = [_texts(layout, table[name]) for name in columns]
    if len(parts) == 1:
        return parts[0]
    rows = zip(*(part.tolist() for part in parts), strict=True)
    return np.array([" ".join(row) if all(row) else "" for row in rows], dtype=object)


def _texts(layout: Layout, column: "Series[Any]") -> "Cells":
    return read_column(layout, column).texts


def _facts(layout: Layout, long: LongTable, table: "DataFrame") -> dict[str, str]:
    """Column of gathered rows -> that of the table, where it says something of the whole case."""
    named = (*layout.by_row.columns, *layout.labels.columns, *layout.labels.each)
    shown = {*layout.by_row.image_columns, long.name}
    found = {name: name for name in named if name in table.columns and name not in shown}
    if layout.group == long.group_name and long.group in table.columns:
        found[str(layout.group)] = str(long.group)
    return found


def _first_of(
    codes: "NDArray[np.int64]", rows: "NDArray[np.int64]", count: int
) -> "NDArray[np.int64]":
    """[count], the first of these rows of each case; -1 where it has none."""
    first = np.full(count, -1, dtype=np.int64)
    first[codes[rows[::-1]]] = rows[::-1]  # the last that is assigned stays
    return first


def _fact(layout: Layout, column: "Series[Any]", cases: _Cases) -> "tuple[Sequence[Any], int]":
    """The cell of each case, and how many blank cells others of their case fill."""
    name, count = str(column.name), len(cases.names)
    pattern = layout.group_pattern if name == layout.by_row.group else ""
    texts, lacking = parts_of_cells(_texts(layout, column), name, pattern)
    for row, why in lacking.items():
        cases.faults.setdefault(int(cases.codes[row]), f"row {cases.numbers.of(row)}: {why}")
    filled = np.flatnonzero(texts != "")
    stating = _first_of(cases.codes, filled, count)  # [G], -1 where no row states it
    of_row = stating[cases.codes[filled]]
    differ = np.flatnonzero(texts[filled] != texts[of_row])
    for row, other in zip(filled[differ].tolist(), of_row[differ].tolist(), strict=True):
        what = f"the group in column {name!r}" if pattern else f"column {name!r}"
        why = _differing(what, texts, (other, row), cases.numbers)
        cases.faults.setdefault(int(cases.codes[row]), why)
    blank = int((stating[cases.codes] >= 0).sum()) - len(filled)
    cells = column.tolist()
    rows = np.where(stating >= 0, stating, cases.first)
    return [cells[row] for row in rows.tolist()], blank


def _differing(what: str, texts: "Cells", rows: tuple[int, int], numbers: RowNumbers) -> str:
    told = ", ".join(f"{_short(texts[row])} in row {numbers.of(row)}" for row in rows)
    return f"{what} differs between its rows: {told}; a fact must be the same in all rows of a case"


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _images(
    layout: Layout, long: LongTable, table: "DataFrame", cases: _Cases
) -> "dict[str, Sequence[Any]]":
    """Column of gathered rows -> the images of each case."""
    texts = partial(_texts, layout)
    sorting = None if long.order is None else texts(table[long.order])
    order = CaseOrder(cases.codes, sorting, cases.numbers)
    views = _joined(layout, long.view, table) if long.view else None
    shown = {
        name: image_cells(table[name], lambda one: paths_of(one, texts(one)))
        for name in layout.by_row.image_columns
        if name in table.columns
    }
    return {
        one.name: gathered_images(one, shown[one.source], views, order, cases.faults)
        for one in image_columns(long, layout)
        if one.source in shown
    }


def _unread_views(layout: Layout, long: LongTable, table: "DataFrame") -> list[str]:
    """What is said of rows whose view belongs to no images."""
    if not long.view:
        return []
    known = {*long.places, *(view for views in long.kinds.values() for view in views)}
    views = Counter(_joined(layout, long.view, table).tolist())
    told = [f"{view!r} ({count} x)" if view else f"none ({count} x)"
            for view, count in views.most_common() if view not in known]  # fmt: skip
    if not told:
        return []
    more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return [
        f"images of rows whose view is {', '.join(told[:_SHOWN])}{more} are not read, for "
        "data.dataset.views does not name it"
    ]


def _column(cells: "Sequence[Any] | Cells") -> "Cells":
    """Cells of any kind, lists among them, as one column."""
    column = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        column[row] = cell
    return column
