"""CSV and TSV as spreadsheets and databases save them; cells stay texts as they are written.

``007`` stays ``007``, and an empty cell is the empty text. What stands between the cells is what a
first line ``sep=;`` says, else a comma, or semicolons or tabs where the header has no comma.

Source: Shafranovich 2005, RFC 4180
"""

import csv
import io
from collections.abc import Sequence
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

if TYPE_CHECKING:
    from pandas import DataFrame
    from pyarrow import Table

_HEADER_LIMIT = 1 << 22  # characters of the first line
_PIECE = 50_000  # cells that are looked at together, for a blank sheet may have a million rows
_TABS = (".tsv", ".tab", ".tsv.gz", ".tab.gz")


class CsvParams(TableReaderParams):
    """Text with a sign between the cells; packed by gzip or not."""

    type: Literal["csv"] = "csv"
    endings: ClassVar[tuple[str, ...]] = (".csv", ".csv.gz", *_TABS)

    encoding: str | None = Field(
        default=None,
        description="such as cp1252 or gbk; null: UTF-8, what a byte order mark says, or what the "
        "letters speak for, which is told",
    )
    separator: str | None = Field(
        default=None, min_length=1, max_length=1,
        description="between cells; null: comma, or semicolons or tabs in a header without comma",
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
        table = self._table(path, text)
        last = _last_filled(table)
        blank = f"rows at the end that hold nothing are left out: {len(table) - last}"
        notes = [*([text.note] if text.note else []), *([blank] if last < len(table) else [])]
        cells: DataFrame = table.slice(0, last).to_pandas()
        first_row = 2 if self._columns is None else 1
        return TableContents(cells, notes, guesses=guesses, first_row=first_row)

    def _table(self, path: Path, text: TableText) -> "Table":
        import pyarrow  # not needed to find this reader

        try:
            first = _first_line(text.source, path)
            separator = self._separator or text.separator or _seen(first, path)
            names = self._columns or next(csv.reader([first], delimiter=separator), [])
            check_names(path, names)
            return _parsed(text.source, names, separator, headed=self._columns is None)
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


def _first_line(source: Path | io.BytesIO, path: Path) -> str:
    """The header."""
    stream = source.open("rb") if isinstance(source, Path) else io.BytesIO(source.getbuffer())
    with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as file:
        first = file.readline(_HEADER_LIMIT)
    if len(first) == _HEADER_LIMIT:
        raise DataError(
            f"{path} has a first line of more than {_HEADER_LIMIT} characters; a table begins with "
            "a row of column names"
        )
    return first


def _seen(first: str, path: Path) -> str:
    """The sign between the cells of a header."""
    if path.name.lower().endswith(_TABS):
        return "\t"
    return next((sign for sign in ";\t" if sign in first and "," not in first), ",")


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
