"""Tables by the reader that their file is for.

Which formats there are is known to the readers alone, each a plugin of the kind ``reader``.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from mmx.blocks import check_names
from mmx.data.joined_tables import joined
from mmx.data.repeated_names import without_repeated_names
from mmx.errors import DataError, EncodingError, MmxError, PluginError, SettingsError
from mmx.files import need_regular, open_regular
from mmx.interfaces import ReaderParams, Reading, TableContents, TableReaderParams
from mmx.plugins import Plugins, nearest

if TYPE_CHECKING:
    import pandas

_FILE_LIMIT = 32 << 30  # bytes of a table
_HEAD = 4096  # bytes that tell a reader what a file is
_SPECS = (".yaml", ".yml")


def read_table(
    path: str | Path,
    *,
    encoding: str | None = None,
    separator: str | None = None,
    sheet: str | None = None,
    reader: TableReaderParams | None = None,
) -> "pandas.DataFrame":
    """The cells of a table, as ``open_table`` gives them."""
    return open_table(
        path, encoding=encoding, separator=separator, sheet=sheet, reader=reader
    ).cells


def open_table(
    path: str | Path,
    *,
    encoding: str | None = None,
    separator: str | None = None,
    sheet: str | None = None,
    reader: TableReaderParams | None = None,
    join: Sequence[str | Path] = (),
) -> TableContents:
    """Read a table with the reader that it is for; ``mmx plugins list --kind reader`` names them.

    Args:
        path: of the file, or of a folder that a reader knows.
        encoding: of a text; None: UTF-8, or what it says, or what its letters speak for, which
            is told.
        separator: between the cells of a text; None: what it says, or what its header shows.
        sheet: of a spreadsheet; None: the first one.
        reader: what reads it, with settings of its own; None: the reader that the file is for.
        join: further tables, whose columns are added by the cells of all columns that both have.

    Returns:
        What the reader found; None in every cell that is missing, but for texts, which stay as
        they are written.

    Raises:
        EncodingError: it is not UTF-8, and nothing says what it is.
        DataError: no such file, no reader for it, a setting that its reader has not, a damaged
            file, two columns of one name, or a further table that does not fit.
    """
    found = _opened(Path(path), Reading(reader, encoding, separator, sheet))
    for place, further in enumerate(map(Path, join)):
        try:
            found = joined(found, further, _opened(further, Reading()))
            found = replace(found, cells=without_nulls(found.cells))
        except DataError as error:
            raise SettingsError([(("join", place), str(error))]) from error
    return found


def _opened(path: Path, own: Reading) -> TableContents:
    """One table, with what is stated of how it is read."""
    head = _head(path)
    if own.reader is None:
        return _read(path, _with_settings(path, _reader_of(path, head), own.stated))
    try:
        return _read(path, own.reader)
    except SettingsError as error:
        raise SettingsError([(("reader", *key), words) for key, words in error.faults]) from error


def reader_with_columns(path: str | Path, stated: Mapping[str, object]) -> TableReaderParams:
    """The reader of a table without a header, which is told the names of its columns.

    Args:
        path: of the file.
        stated: settings of the reader, such as ``{"columns": ["file", "dx"], "separator": ";"}``.

    Raises:
        SettingsError: its reader has no such setting, such as one whose files have names of their
            own.
    """
    return _with_settings(Path(path), _reader_of(Path(path), _head(Path(path))), stated)


def in_memory(table: "pandas.DataFrame") -> TableContents:
    """A table that a program has made, in the form that all tables have.

    Raises:
        DataError: two columns have one name, outer spaces aside.
    """
    names = [str(name).strip() for name in table.columns]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"the table has more than one column named {twice[0]!r}; rename them")
    cells = without_nulls(table.set_axis(names, axis=1))
    return without_repeated_names(TableContents(cells.reset_index(drop=True)))


def open_like(path: str | Path, own: Reading) -> TableContents:
    """Read a further table like one of which it is known how; its own format counts more.

    Settings that its reader has not are left out. A stated encoding is used where the file is not
    UTF-8.

    Raises:
        DataError: as for ``open_table``.
    """
    path = Path(path)
    head = _head(path)
    if own.reader is not None and own.reader.claims(path, head):
        params, stated = type(own.reader), own.reader.model_dump(exclude={"type"})
    else:
        params = _reader_of(path, head)
        stated = {key: one for key, one in own.stated.items() if key in params.model_fields}
    encoded = _with_settings(path, params, stated)
    if stated.get("encoding") is None:
        return _read(path, encoded)
    plain = _with_settings(path, params, {**stated, "encoding": None})
    try:
        found = _read(path, plain)
    except EncodingError:
        return _read(path, encoded)
    return _read(path, encoded) if "encoding" in found.guesses else found


def _read(path: Path, params: TableReaderParams) -> TableContents:
    """What a reader finds, in the form that all tables have."""
    try:
        found = params.build().read(path)
    except (MmxError, MemoryError):
        raise
    except Exception as error:  # a library raises whatever damaged bytes make it do
        words = f"{type(error).__name__}: {error}"
        raise DataError(f"{path} cannot be read by {params.entry_point}: {words}") from error
    columns = [str(name).strip() for name in found.cells.columns]
    check_names(path, columns)
    cells = (
        found.cells if columns == [*found.cells.columns] else found.cells.set_axis(columns, axis=1)
    )
    if (cells.dtypes != "str").any() or cells.isna().to_numpy().any():
        cells = without_nulls(cells.reset_index(drop=True))
    return without_repeated_names(replace(found, cells=cells))


def _reader_of(path: Path, head: bytes) -> type[TableReaderParams]:
    """The reader that a file is for."""
    others, broken = list[type[TableReaderParams]](), list[str]()
    for one in _readers(broken):  # each is imported when those before it have no use for the file
        if one.claims(path, head):
            return one
        others.append(one)
    lost = f"; readers that cannot be loaded: {', '.join(broken)} (mmx plugins check NAME)"
    raise DataError(_unknown(path, others) + (lost if broken else ""))


def _with_settings(
    path: Path, own: type[TableReaderParams], stated: Mapping[str, object]
) -> TableReaderParams:
    try:
        return own.model_validate(stated)
    except ValidationError as error:
        name, said = str(error.errors()[0]["loc"][0]), error.errors()[0]["msg"]
        has = [key for key in own.model_fields if key != "type"]
        what = f"{name}: {said}" if name in has else f"it has no setting {name!r}"
        words = (
            f"{path} is read by reader.{own.model_fields['type'].default}: {what}; its settings "
            f"are {', '.join(has) or 'none'}"
        )
        raise SettingsError([((name,), words)]) from error


def _head(path: Path) -> bytes:
    """The first bytes of a file; none of a folder."""
    try:
        if path.is_dir():
            return b""
        need_regular(path, limit=_FILE_LIMIT)
        with open_regular(path, limit=_FILE_LIMIT) as file:
            return file.read(_HEAD)
    except FileNotFoundError:
        raise DataError(f"there is no table {path}; check the path") from None
    except (OSError, ValueError) as error:
        raise DataError(f"the table {path} cannot be read: {error}") from error


def _readers(broken: list[str]) -> Iterator[type[TableReaderParams]]:
    """Readers of tables, those of mmx first; names of those that are broken are added."""
    plugins = Plugins()
    methods = [one for one in plugins.installed(ReaderParams.kind) if one.status == "found"]
    for method in sorted(methods, key=lambda one: one.package != "mmx"):
        try:
            params = plugins.find(method.kind, method.long_name)
        except PluginError:
            broken.append(method.long_name)
            continue
        if issubclass(params, TableReaderParams):
            yield params


def _unknown(path: Path, known: list[type[TableReaderParams]]) -> str:
    """Words for a file that no reader is for."""
    endings = [ending for one in known for ending in one.endings]
    if path.is_dir():
        return (
            f"{path} is a folder that no reader knows; name a table in it, or a folder of images "
            "with a metadata.csv, or a saved data set"
        )
    meant = nearest(path.suffix, endings)
    hint = f"; nearest: {meant}" if meant else ""
    return (
        f"{path} ends in {path.suffix or 'nothing'}, which no reader reads{hint}. Tables may be "
        f"{', '.join(endings)}; save it as CSV (UTF-8), or install a package with a reader for it "
        "(docs/plugins.md)"
    )


def is_table(path: str | Path) -> bool:
    """Whether a file is a table rather than a spec, by the ending of its name."""
    return Path(path).suffix.lower() not in _SPECS


def without_nulls(table: "pandas.DataFrame") -> "pandas.DataFrame":
    """The same with None in every cell that is missing: null, NaN, NaT and NA alike."""
    cells = table.astype(object)
    return cells.where(table.notna(), None)
