"""The names of the columns of a sheet: the row in which they stand, below titles, or two rows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openpyxl.worksheet.cell_range import CellRange
    from openpyxl.worksheet.worksheet import Worksheet

_TITLES = 10  # rows that may be titles
_WIDE = 3  # columns from which on a row of one cell is a title


@dataclass(frozen=True, slots=True)
class Header:
    """The names of the columns.

    Attributes:
        row: the last row with names.
        names: of the columns; empty where there is none.
        in_groups: some of them begin with the name of a group in the row above.
    """

    row: int
    names: list[str]
    in_groups: bool


def header_of(sheet: "Worksheet", stated: int | None) -> Header:
    """The names of a sheet.

    Args:
        sheet: of a workbook.
        stated: row of the names; None: the first one that is no title, with the row below it where
            that goes on with names.
    """
    row = stated or _below_titles(sheet)
    if stated is None and _goes_on(sheet, row):
        return Header(row + 1, _of_two_rows(sheet, row), in_groups=True)
    return Header(row, _names(sheet, row), bool(_groups(sheet, row)))


def _below_titles(sheet: "Worksheet") -> int:
    """The first row that is no title: not blank, of one cell, or merged across columns.

    A name may be merged across columns, too, in a row where most columns have a name of their own.
    """
    across = {one.min_row for one in sheet.merged_cells.ranges if one.max_col > one.min_col}
    for row in range(1, min(sheet.max_row, _TITLES) + 1):
        filled = [cell.coordinate for cell in sheet[row] if cell.value is not None]
        own = sum(place not in sheet.merged_cells for place in filled)
        title = row in across and 2 * own <= sheet.max_column
        if not title and (len(filled) > 1 or sheet.max_column < _WIDE):
            return row
    return 1


def _goes_on(sheet: "Worksheet", row: int) -> bool:
    """Whether the row below holds words where names are lacking, and nothing elsewhere.

    The first name of a group stands right before those gaps, below the name of the group.
    """
    below = [cell.value for cell in sheet[row + 1]] if row < sheet.max_row else []
    filled = {place for place, value in enumerate(below) if value is not None}
    gaps = {place for place in filled if not _row(sheet, row)[place]}
    words = all(isinstance(value, str) and not value.isdecimal() for value in below if value)
    in_groups = filled <= gaps | {place - 1 for place in gaps}
    return bool(gaps) and words and in_groups and 0 not in filled  # where a case has its id


def _of_two_rows(sheet: "Worksheet", row: int) -> list[str]:
    """Names of a row, those of a group before what stands below them."""
    names, group = list[str](), ""
    for upper, lower in zip(_row(sheet, row), _row(sheet, row + 1), strict=True):
        group = upper or group
        names.append(f"{group} / {lower}" if lower and group else upper or lower)
    return names


def _names(sheet: "Worksheet", header: int) -> list[str]:
    """The names of the columns; one that is merged with rows above it stands at its top."""
    names = _row(sheet, header)
    for one in sheet.merged_cells.ranges:
        if one.min_row < header <= one.max_row and one.min_col == one.max_col:
            names[one.min_col - 1] = _name(sheet.cell(one.min_row, one.min_col).value)
    for one in _groups(sheet, header):
        upper = _name(sheet.cell(one.min_row, one.min_col).value)
        for column in range(one.min_col - 1, one.max_col):
            if upper and names[column]:
                names[column] = f"{upper} / {names[column]}"
    return names


def _groups(sheet: "Worksheet", header: int) -> "list[CellRange]":
    """Names that are merged across columns right above the header.

    They are no title where there are several, or where a name beside them reaches into both rows.
    """
    ranges = list(sheet.merged_cells.ranges)
    across = [one for one in ranges if one.max_row == header - 1 and one.max_col > one.min_col]
    both = [one for one in ranges if one.min_row < header <= one.max_row]
    return across if len(across) > 1 or both else []


def _row(sheet: "Worksheet", row: int) -> list[str]:
    return [_name(cell.value) for cell in sheet[row]]


def _name(value: object) -> str:
    return "" if value is None else str(value).strip()
