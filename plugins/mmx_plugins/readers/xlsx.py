"""Excel workbooks: one sheet, its values as they were last computed, nothing of it run.

Cells are texts, numbers, yes or no; a date is written year-month-day. A merged range has the value
of its first cell in all of its rows. What a formula gives is what the spreadsheet program stored;
where it stored nothing, the cell is missing, and that is told. Macros and links are never followed.

Source: ECMA-376, Office Open XML
"""

import datetime
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from mmx import DataError, Params, hookimpl
from mmx.blocks import check_names
from mmx.errors import MissingExtraError, SettingsError
from mmx.interfaces import TableContents, TableExample, TableReader, TableReaderParams
from mmx_plugins.readers._xlsx_header import Header, header_of

if TYPE_CHECKING:
    from openpyxl.cell import Cell, MergedCell
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

UNPACKED_LIMIT = 1 << 30  # bytes of all parts of a workbook together
_MOST = 5_000_000  # cells
_SHOWN = 3


class XlsxParams(TableReaderParams):
    """One sheet of a workbook."""

    type: Literal["xlsx"] = "xlsx"
    endings: ClassVar[tuple[str, ...]] = (".xlsx", ".xlsm")

    sheet: str | None = Field(default=None, description="its name; null: the first one")
    header: PositiveInt | None = Field(
        default=None,
        description="row of the sheet with the column names; null: the first one below titles, "
        "which are rows of one cell or of cells merged across columns",
    )

    def build(self) -> "XlsxReader":
        return XlsxReader(self.sheet, self.header)


@dataclass(slots=True)
class _Rows:
    """Rows of a sheet, and what was met on the way.

    Attributes:
        names: of the columns; empty where the header has none.
        values: [n][columns].
        unknown: cells with a formula that has no stored value, such as ``C7``.
        errors: cells that hold an error, such as ``#DIV/0!``.
        comments: cells with a comment.
    """

    names: list[str]
    values: list[list[Any]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


class XlsxReader(TableReader):
    """Reads with openpyxl."""

    def __init__(self, sheet: str | None, header: int | None) -> None:
        self._sheet, self._header = sheet, header

    def read(self, path: Path) -> TableContents:
        import pandas  # not needed to find this reader

        book, formulas = _opened(path, values=True), _opened(path, values=False)
        sheet = self._chosen(path, book)
        _check_height(path, sheet, self._header)
        header = header_of(sheet, self._header)
        rows = _rows(sheet, formulas[sheet.title], header)
        merged = _filled(sheet, rows, header.row)
        kept = [index for index, name in enumerate(rows.names) if name]
        check_names(path, [rows.names[index] for index in kept])
        columns = {
            rows.names[index]: pandas.Series([row[index] for row in rows.values], dtype=object)
            for index in kept
        }
        several = self._sheet is None and len(book.sheetnames) > 1
        return TableContents(
            pandas.DataFrame(columns),
            list(self._notes(book, sheet, rows, merged, header)),
            guesses={"sheet": sheet.title} if several else {},
            first_row=header.row + 1,
        )

    def _chosen(self, path: Path, book: "Workbook") -> "Worksheet":
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        if not sheets:
            raise DataError(f"{path} holds no sheet with cells")
        shown = [
            name
            for name, sheet in sheets.items()
            if sheet.sheet_state == "visible" and (sheet.max_row, sheet.max_column) != (1, 1)
        ]
        name = (*shown, *sheets)[0] if self._sheet is None else self._sheet
        if name not in sheets:
            words = f"{path} has no sheet {name!r}; its sheets are {', '.join(sheets)}"
            raise SettingsError([(("sheet",), words)])
        return sheets[name]

    def _notes(
        self,
        book: "Workbook",
        sheet: "Worksheet",
        rows: _Rows,
        merged: Sequence[str],
        header: Header,
    ) -> Iterator[str]:
        """What a user must know of how the cells were read."""
        if self._header is None and header.row > 1:
            above = "a title"
            if header.in_groups:
                above = f"a title, or in row {header.row - 1} the first part of names with ' / '"
            yield (
                f"the names of the columns are in row {header.row}, and what stands above is "
                f"{above} (reader: {{type: xlsx, header: 1}} takes the first row)"
            )
        if self._sheet is None and len(book.sheetnames) > 1:
            others = ", ".join(name for name in book.sheetnames if name != sheet.title)
            yield f"the sheet {sheet.title!r} is read; there are also {others} (sheet: NAME)"
        if merged:
            yield f"merged cells have one value for all their rows: {_listed(merged)}"
        if rows.unknown:
            yield (
                "formulas whose value is not stored count as missing: "
                f"{_listed(rows.unknown)}; a spreadsheet program stores them when it saves"
            )
        if rows.errors:
            yield f"cells with an error count as missing: {_listed(rows.errors)}"
        if rows.comments:
            yield f"comments on cells are not read: {_listed(rows.comments)}"
        unnamed = [
            index
            for index, name in enumerate(rows.names)
            if not name and any(row[index] is not None for row in rows.values)
        ]
        if unnamed:
            cells = [sheet.cell(header.row, index + 1).coordinate for index in unnamed]
            yield f"columns whose name is empty are left out: {_listed(cells)}"
        yield from _hidden(sheet)

    def example(self, folder: Path) -> TableExample:
        openpyxl = _library()
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = self._sheet or "Patienten"
        for _ in range((self._header or 1) - 1):
            sheet.append(["a title"])
        sheet.append(["id", "born", "age"])
        sheet.append(["007", datetime.date(1970, 2, 3), 54])
        sheet.append(["b", None, 4.5])
        book.save(folder / "example.xlsx")
        rows = [
            {"id": "007", "born": "1970-02-03", "age": "54"},
            {"id": "b", "born": "", "age": "4.5"},
        ]
        return TableExample(folder / "example.xlsx", rows)


def _hidden(sheet: "Worksheet") -> Iterator[str]:
    """What is said of rows and columns that a user of the program does not see."""
    rows = [str(place) for place, shape in sheet.row_dimensions.items() if shape.hidden]
    # neighbours of one shape are stored as one, under the letter of the first
    letter_of = _library().utils.get_column_letter
    columns = [
        letter if shape.max == shape.min else f"{letter} to {letter_of(shape.max)}"
        for letter, shape in sheet.column_dimensions.items()
        if shape.hidden
    ]
    for kind, hidden in (("rows", rows), ("columns", columns)):
        if hidden:
            yield f"{kind} that are hidden in the sheet are read too: {_listed(hidden)}"


def _library() -> ModuleType:
    try:
        import openpyxl  # an extra
    except ImportError as error:
        raise MissingExtraError("openpyxl", "mmx[excel]") from error
    found: ModuleType = openpyxl
    return found


def _opened(path: Path, *, values: bool) -> "Workbook":
    """The workbook, with the stored values of its formulas or with the formulas themselves."""
    openpyxl = _library()
    try:
        _check_size(path)
        with warnings.catch_warnings():  # of parts of a workbook that hold no cells
            warnings.simplefilter("ignore")
            book: Workbook = openpyxl.load_workbook(path, data_only=values, keep_links=False)
    except DataError:
        raise
    except Exception as error:  # openpyxl raises many types for damaged bytes
        raise DataError(
            f"{path} is not a readable Excel file (.xlsx): {error}; open it in a spreadsheet "
            "program and save it as .xlsx, without a password"
        ) from error
    return book


def _check_size(path: Path) -> None:
    """Refuse a workbook that would fill the memory, by the sizes that unpacking keeps to."""
    with zipfile.ZipFile(path) as packed:
        size = sum(part.file_size for part in packed.infolist())
    if size > UNPACKED_LIMIT:
        raise DataError(
            f"{path} unpacks to {size} bytes, more than the {UNPACKED_LIMIT} that are read"
        )


def _check_height(path: Path, sheet: "Worksheet", header: int | None) -> None:
    """Refuse a sheet that is too large, or lacks the row of its names."""
    height, width = sheet.max_row, sheet.max_column
    if height * width > _MOST:
        raise DataError(
            f"{path}: the sheet {sheet.title!r} has {height} x {width} cells, more than the "
            f"{_MOST} that are read; save it as CSV (UTF-8)"
        )
    if header is not None and height < header:
        words = f"{path}: the sheet {sheet.title!r} has {height} rows, no row {header}"
        raise SettingsError([(("header",), words)])


def _rows(sheet: "Worksheet", formulas: "Worksheet", header: Header) -> _Rows:
    """The rows below the header up to the last one that holds something."""
    rows = _Rows(header.names)
    for cells in sheet.iter_rows(min_row=header.row + 1):
        rows.values.append([_value(cell, formulas, rows) for cell in cells])
    while rows.values and not any(map(_says_something, rows.values[-1])):
        rows.values.pop()
    return rows


def _says_something(value: object) -> bool:
    return value is not None and bool(str(value).strip())


def _value(cell: "Cell | MergedCell", formulas: "Worksheet", rows: _Rows) -> object:
    value: Any = cell.value
    if cell.comment is not None:
        rows.comments.append(cell.coordinate)
    if cell.data_type == "e":
        rows.errors.append(cell.coordinate)
        return None
    if value is None:
        if formulas[cell.coordinate].data_type == "f":
            rows.unknown.append(cell.coordinate)
        return None
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(" ")
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return str(value)
    return value if isinstance(value, str | int | float) else str(value)


def _filled(sheet: "Worksheet", rows: _Rows, header: int) -> list[str]:
    """Give merged ranges below the header their value in each of their rows; their names."""
    found: list[str] = []
    for range_ in sheet.merged_cells.ranges:
        first = range_.min_row - header - 1
        if first < 0 or first >= len(rows.values):
            continue
        found.append(range_.coord)
        value = rows.values[first][range_.min_col - 1]
        for row in rows.values[first : range_.max_row - header]:
            row[range_.min_col - 1] = value
    return sorted(found)


def _listed(cells: Sequence[str]) -> str:
    more = f" and {len(cells) - _SHOWN} more" if len(cells) > _SHOWN else ""
    return ", ".join(cells[:_SHOWN]) + more


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this reader."""
    return [XlsxParams]
