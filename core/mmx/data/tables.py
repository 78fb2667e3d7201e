"""Reading tables and naming files safely.

A table is CSV, TSV, JSON lines or Parquet; nothing in it is ever executed or unpickled. In CSV and
TSV all cells stay strings as they are written (``007`` stays ``007``); an empty cell is the empty
string.
In Parquet cells keep their type, and a null, NaN or NaT is None.
"""

import csv
import io
import os
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pandas
import pyarrow

from mmx.data.json_lines import read_json_lines
from mmx.data.table_text import not_utf8, table_text
from mmx.errors import DataError
from mmx.files import need_regular

_SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_FILE_LIMIT = 32 << 30  # bytes of a table
_HEADER_LIMIT = 1 << 22  # characters of its first line
_PARQUET = {".parquet", ".pq"}
_LINES = {".jsonl", ".ndjson"}
_SHEETS = {
    ".xlsx": "a spreadsheet", ".xls": "a spreadsheet", ".ods": "a spreadsheet",
    ".json": "JSON", ".sav": "SPSS", ".dta": "Stata", ".rds": "R",
}  # fmt: skip
"""What is not read yet, and is told so."""


def read_table(
    path: str | Path, *, encoding: str | None = None, separator: str | None = None
) -> pandas.DataFrame:
    """Read a CSV, TSV, JSON lines (also packed by gzip) or Parquet file.

    The cells of CSV and TSV stay strings. A CSV whose header has semicolons or tabs and no comma is
    read with these, as spreadsheets save them; a first line ``sep=;`` decides.

    Args:
        path: of the file.
        encoding: such as cp1252 or gbk; None: UTF-8, or what a byte order mark says.
        separator: between cells; None: as above.

    Raises:
        EncodingError: it is not UTF-8, and nothing says what it is.
        DataError: no such file, another format, a damaged file, two columns of one name, or a row
            with more or fewer cells than the header; the words name the row (the header is row 1).
    """
    path = Path(path)
    kind = _kind(path)
    try:
        need_regular(path, limit=_FILE_LIMIT)
    except FileNotFoundError:
        raise DataError(f"there is no table {path}; check the path") from None
    except (OSError, ValueError) as error:
        raise DataError(f"the table {path} cannot be read: {error}") from error
    if kind in _PARQUET:
        return _parquet(path)
    if kind in _LINES:
        table = read_json_lines(table_text(path, encoding).source, path)
        _check_names(path, list(table.columns))
        return without_nulls(table)
    if kind in _SEPARATORS:
        return _text(path, _SEPARATORS[kind], encoding, separator)
    read = "mmx reads .csv, .tsv, .jsonl (also .gz) and .parquet"
    if kind in _SHEETS:
        raise DataError(
            f"{path} is {_SHEETS[kind]}, which is not read yet; save it as CSV (UTF-8): {read}"
        )
    raise DataError(
        f"{path}: a table must be .csv, .tsv or .parquet, got {kind or 'no ending'}; {read}"
    )


def _kind(path: Path) -> str:
    """The ending that says what a file is, without that of gzip."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix == ".gz" else suffix


def is_table(path: str | Path) -> bool:
    """Whether a file is a table, by the ending of its name."""
    return _kind(Path(path)) in {*_SEPARATORS, *_PARQUET, *_LINES, *_SHEETS}


def inside(root: str | Path, path: str | Path) -> Path:
    """The file that ``path`` names, seen from the folder ``root``.

    Links are followed before the check. Folders are looked up once per process, so that a million
    paths take seconds.

    Raises:
        DataError: the file would lie outside of ``root``, by ``..``, as an absolute path or a link.
    """
    base, name = _real_folder(os.fspath(root)), os.fspath(path)
    if "\0" in name:
        raise DataError(f"the path {name!r} holds a zero byte, which no file name can")
    wanted = os.path.join(base, name)
    folder, last = os.path.split(wanted)
    if last in ("", ".", "..") or os.path.islink(wanted):
        real = os.path.realpath(wanted)
    else:
        real = os.path.join(_real_folder(folder), last)
    if real != base and not real.startswith(base.rstrip(os.sep) + os.sep):
        raise DataError(f"the path {name!r} leaves the folder {base}; files must lie inside it")
    return Path(real)


@lru_cache(maxsize=4096)
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)


def _parquet(path: Path) -> pandas.DataFrame:
    try:  # nullable types: a whole number beside a null stays a whole number
        table = pandas.read_parquet(path, engine="pyarrow", dtype_backend="numpy_nullable")
    except Exception as error:  # pyarrow raises many types for damaged bytes
        raise DataError(f"{path} is not a readable Parquet file: {error}") from error
    table.columns = pandas.Index([str(name) for name in table.columns])
    _check_names(path, list(table.columns))
    return without_nulls(table.reset_index(drop=True))


def without_nulls(table: pandas.DataFrame) -> pandas.DataFrame:
    """The same with None in every cell that is missing: null, NaN, NaT and NA alike."""
    cells = table.astype(object)
    return cells.where(table.notna(), None)


def _text(path: Path, usual: str, encoding: str | None, separator: str | None) -> pandas.DataFrame:
    try:
        text = table_text(path, encoding)
        first = _first_line(text.source, path)
        separator = separator or text.separator or _separator(first, usual)
        names = next(csv.reader([first], delimiter=separator), [])
        _check_names(path, names)
        return _cells(text.source, names, separator)
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from error
    except (pyarrow.ArrowInvalid, csv.Error, TypeError) as error:
        if "UTF8" in str(error):  # pyarrow has no type for it
            raise not_utf8(path, UnicodeError(str(error))) from error
        raise DataError(
            f"{path} is not a readable table: {error}; if another sign stands between its cells, "
            "say separator: in data.dataset (mmx init --separator)"
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


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


def _separator(first: str, usual: str) -> str:
    if usual == "," and "," not in first:
        return next((sign for sign in ";\t" if sign in first), usual)
    return usual


def _cells(source: Path | io.BytesIO, names: list[str], separator: str) -> pandas.DataFrame:
    """All cells as strings; pyarrow refuses a row with too few or too many and says which one."""
    from pyarrow import csv as arrow_csv  # only for tables of text

    table = arrow_csv.read_csv(
        source,
        read_options=arrow_csv.ReadOptions(use_threads=False),  # or the row number is not known
        parse_options=arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pyarrow.string()), strings_can_be_null=False
        ),
    )
    return pandas.DataFrame(table.to_pandas())


def _check_names(path: Path, names: list[str]) -> None:
    if not any(name.strip() for name in names):
        raise DataError(f"{path} has no header row with column names")
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(f"{path} has more than one column named {', '.join(twice)}; rename them")
