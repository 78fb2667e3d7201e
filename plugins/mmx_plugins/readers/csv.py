"""CSV and TSV as spreadsheets and databases save them; cells stay texts as they are written.

``007`` stays ``007``, and an empty cell is the empty text. What stands between the cells is what a
first line ``sep=;`` says, else what parts the names of the columns and the first rows alike. Lines
of one cell above the names are titles.

Source: Shafranovich 2005, RFC 4180
"""

import csv
import io
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from mmx import DataError, Params, hookimpl
from mmx.blocks import (
    TableText,
    check_names,
    guessed_text,
    not_utf8,
    table_text,
)
from mmx.errors import EncodingError
from mmx.interfaces import TableContents, TableExample, TableReader, TableReaderParams
from mmx_plugins.readers._csv_header import TABS, Header, below, header_of, opened

if TYPE_CHECKING:
    from pandas import DataFrame
    from pyarrow import Table

_BLANK_LINE = re.compile(rb"\n\r?\n|\r\r")
_CHUNK = 1 << 20  # bytes
_SHOWN = 4  # rows named in a sentence
_PIECE = 50_000  # cells that are looked at together, for a blank sheet may have a million rows


class CsvParams(TableReaderParams):
    """Text with a sign between the cells; packed by gzip or not."""

    type: Literal["csv"] = "csv"
    endings: ClassVar[tuple[str, ...]] = (".csv", ".csv.gz", *TABS)

    encoding: str | None = Field(
        default=None,
        description="such as cp1252 or gbk; null: UTF-8, what a byte order mark says, or what the "
        "letters speak for, which is told",
    )
    separator: str | None = Field(
        default=None, min_length=1, max_length=1,
        description="between cells; null: what parts the first rows: comma, semicolon, tab or |",
    )  # fmt: skip

    columns: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="names of the columns of a file without a header; null: its first line",
    )

    def build(self) -> "CsvReader":
        return CsvReader(self.encoding, self.separator, self.columns)


class CsvReader(TableReader):
    """Reads with pyarrow, which refuses a row with too few or too many cells and names it."""

    def __init__(
        self, encoding: str | None, separator: str | None, columns: Sequence[str] | None = None
    ) -> None:
        self._encoding, self._separator = encoding, separator
        self._columns = columns

    def read(self, path: Path) -> TableContents:
        try:
            text = table_text(path, self._encoding)
            return self._contents(path, text)
        except EncodingError as error:
            if self._encoding is not None:
                raise
            return self._contents(path, guessed_text(path, error))

    def _contents(self, path: Path, text: TableText) -> TableContents:
        guesses = {} if text.guess is None else {"encoding": text.guess}
        header, table, between = self._table(path, text)
        last = _last_filled(table)
        first_row = header.above + (2 if self._columns is None else 1)
        cells: DataFrame = table.slice(0, last).to_pandas()
        notes = [
            text.note,
            _told_of_titles(header.above),
            _told_of_end(len(table) - last),
            _told_of_lines(between, first_row),
        ]
        return TableContents(
            cells, [*filter(None, notes)], guesses=guesses, first_row=first_row, left_out=between
        )

    def _table(self, path: Path, text: TableText) -> "tuple[Header, Table, tuple[int, ...]]":
        """Where it begins, its rows, and the places of lines between them that hold nothing."""
        import pyarrow  # not needed to find this reader

        try:
            header = header_of(text.source, path, self._separator or text.separator)
            if self._columns is not None:
                header = replace(header, above=0)
            source, headed = below(text.source, header), self._columns is None
            names = self._columns or next(csv.reader([header.line], delimiter=header.separator), [])
            check_names(path, names)
            parsed = _parsed(source, names, header.separator, headed=headed)
            return header, parsed, _blank_lines(source, header.separator, headed=headed)
        except UnicodeDecodeError as error:
            raise not_utf8(path, error) from error
        except (pyarrow.ArrowInvalid, csv.Error, TypeError) as error:
            if "UTF8" in str(error):  # pyarrow has no type for it
                raise not_utf8(path, UnicodeError(str(error))) from error
            raise DataError(
                f"{path} is not a readable table: {error}; if another sign stands between its "
                "cells, say separator: in data.dataset (mmx init --separator)"
            ) from error
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}") from error

    def example(self, folder: Path) -> TableExample:
        path, sign = folder / "example.csv", self._separator or ";"
        rows = [{"id": "007", "note": 'two\nlines, "quoted"'}, {"id": "2,5", "note": ""}]
        with path.open("w", encoding=self._encoding or "utf-8", newline="") as file:
            out = csv.DictWriter(file, list(rows[0]), delimiter=sign)
            if self._columns is None:
                out.writeheader()
            out.writerows(rows)
        return TableExample(path, rows)


def _last_filled(table: "Table") -> int:
    """Rows up to the last that holds something, as spreadsheets save blank ones behind it."""
    step = max(_PIECE // max(table.num_columns, 1), 1)
    for stop in range(len(table), 0, -step):
        start = max(stop - step, 0)
        columns = table.slice(start, stop - start).to_pydict().values()
        for blank, row in enumerate(zip(*(reversed(one) for one in columns), strict=True)):
            if any(str(cell).strip() for cell in row):
                return stop - blank
    return len(table)


def _told_of_titles(above: int) -> str:
    told = f"the names of the columns are in row {above + 1}, and what stands above is a title"
    return told if above else ""


def _told_of_end(count: int) -> str:
    return f"rows at the end that hold nothing are left out: {count}" if count else ""


def _told_of_lines(places: Sequence[int], first_row: int) -> str:
    """What is said of lines between the rows that hold nothing."""
    shown = ", ".join(str(place + first_row) for place in places[:_SHOWN])
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    rows = f"{'row' if len(places) == 1 else 'rows'} {shown}{more}"
    told = f"lines between the rows that hold nothing are left out: {len(places)} ({rows})"
    return told if places else ""


def _blank_lines(source: Path | io.BytesIO, separator: str, *, headed: bool) -> tuple[int, ...]:
    """Places, from 0 below the header, of lines of which pyarrow makes no rows."""
    if not _has_blank_line(source):
        return ()
    places, last = list[int](), -1
    with opened(source) as file, suppress(csv.Error):  # of a cell that is too long for it
        rows = csv.reader(file, delimiter=separator)
        for place, row in enumerate(rows, start=-1 if headed else 0):
            if row:
                last = place
            else:
                places.append(place)
    return tuple(place for place in places if 0 <= place < last)


def _has_blank_line(source: Path | io.BytesIO) -> bool:
    """Whether a search of the lines is worth its time."""
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source.getbuffer()) as file:
        last = b""
        while piece := file.read(_CHUNK):
            if _BLANK_LINE.search(last + piece):
                return True
            last = piece[-2:]
    return False


def _parsed(
    source: Path | io.BytesIO, names: Sequence[str], separator: str, *, headed: bool
) -> "Table":
    import pyarrow  # not needed to find this reader
    from pyarrow import csv as arrow_csv

    table: Table = arrow_csv.read_csv(
        source,
        read_options=arrow_csv.ReadOptions(
            use_threads=False,  # or the row number is not known
            column_names=None if headed else [*names],
        ),
        parse_options=arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pyarrow.string()), strings_can_be_null=False
        ),
    )
    return table


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this reader."""
    return [CsvParams]
