"""Reading tables and naming files safely.

A table is CSV, TSV or Parquet; nothing in it is ever executed or unpickled. In CSV and TSV all
cells stay strings as they are written (``007`` stays ``007``); an empty cell is the empty string.
In Parquet cells keep their type, and a null, NaN or NaT is None.
"""

import csv
import os
from functools import lru_cache
from pathlib import Path

import pandas
import pyarrow

from mmx.errors import DataError
from mmx.files import need_regular

_SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_FILE_LIMIT = 32 << 30  # bytes of a table
_HEADER_LIMIT = 1 << 22  # characters of its first line
_PARQUET = {".parquet", ".pq"}


def read_table(path: str | Path) -> pandas.DataFrame:
    """Read a CSV, TSV or Parquet file; the cells of a text file stay strings.

    A CSV whose header has semicolons and no comma is read with semicolons, as spreadsheets do.

    Raises:
        DataError: no such file, another format, a damaged file, two columns of one name, or a row
            with more or fewer cells than the header; the words name the row (the header is row 1).
    """
    path = Path(path)
    suffix = path.suffix.lower()
    try:
        need_regular(path, limit=_FILE_LIMIT)
    except FileNotFoundError:
        raise DataError(f"there is no table {path}; check the path") from None
    except (OSError, ValueError) as error:
        raise DataError(f"the table {path} cannot be read: {error}") from error
    if suffix in _PARQUET:
        return _parquet(path)
    if suffix in _SEPARATORS:
        return _text(path, _SEPARATORS[suffix])
    raise DataError(f"{path}: a table must be .csv, .tsv or .parquet, got {suffix or 'no ending'}")


def is_table(path: str | Path) -> bool:
    """Whether a file is a table, by the ending of its name."""
    return Path(path).suffix.lower() in {*_SEPARATORS, *_PARQUET}


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


def _text(path: Path, separator: str) -> pandas.DataFrame:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline(_HEADER_LIMIT)
            if len(first) == _HEADER_LIMIT:
                raise DataError(
                    f"{path} has a first line of more than {_HEADER_LIMIT} characters; a table "
                    "begins with a row of column names"
                )
            if separator == "," and ";" in first and "," not in first:
                separator = ";"
            names = next(csv.reader([first], delimiter=separator), [])
        _check_names(path, names)
        return _cells(path, names, separator)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 ({error.reason}); save it as UTF-8 CSV") from error
    except (pyarrow.ArrowInvalid, csv.Error) as error:
        raise DataError(f"{path} is not a readable table: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def _cells(path: Path, names: list[str], separator: str) -> pandas.DataFrame:
    """All cells as strings; pyarrow refuses a row with too few or too many and says which one."""
    from pyarrow import csv as arrow_csv

    table = arrow_csv.read_csv(
        path,
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
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path} has more than one column named {', '.join(twice)}; rename them")
