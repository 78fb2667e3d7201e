"""Data sets that the library ``datasets`` saved to disk, also several parts together.

Numbers of classes become their names, images stay files in cells, and the part becomes the column
``split``. Nothing is downloaded, and no script of a data set is run.

Source: Lhoest et al. 2021, arXiv:2109.02846
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar, Literal

from mmx import DataError, Params, hookimpl
from mmx.errors import MissingExtraError
from mmx.interfaces import TableContents, TableExample, TableReader, TableReaderParams

if TYPE_CHECKING:
    from pandas import DataFrame

_PARTS = "dataset_dict.json"
_STATE = "state.json"
_INFO = "dataset_info.json"
_LIMIT = 16 << 20  # bytes of a description
SPLIT = "split"


class SavedDatasetParams(TableReaderParams):
    """A folder that ``save_to_disk`` wrote."""

    type: Literal["saved_dataset"] = "saved_dataset"
    endings: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def claims(cls, path: Path, head: bytes) -> bool:
        return path.is_dir() and any((path / name).is_file() for name in (_PARTS, _STATE))

    def build(self) -> "SavedDatasetReader":
        return SavedDatasetReader()


class SavedDatasetReader(TableReader):
    """Reads with the library itself, after a look at the names of the files it would open."""

    def read(self, path: Path) -> TableContents:
        import pandas  # not needed to find this reader

        parts = list(_parts(path))
        notes: dict[str, None] = {}
        tables = []
        for name in parts:
            cells = _cells(path / name, notes)
            if name and SPLIT not in cells.columns:
                cells[SPLIT] = name
            tables.append(cells)
        return TableContents(pandas.concat(tables, ignore_index=True), tuple(notes), folder=path)

    def example(self, folder: Path) -> TableExample:
        library = _library()
        kinds = library.Features(
            {"id": library.Value("string"), "dx": library.ClassLabel(names=["mel", "nv"])}
        )
        content = {"id": ["007", "b"], "dx": [1, 0]}
        library.Dataset.from_dict(content, features=kinds).save_to_disk(folder / "example")
        return TableExample(
            folder / "example", [{"id": "007", "dx": "nv"}, {"id": "b", "dx": "mel"}]
        )


def _library() -> ModuleType:
    try:
        import datasets  # an extra
    except ImportError as error:
        raise MissingExtraError("datasets", "mmx[datasets]") from error
    datasets.disable_progress_bars()
    found: ModuleType = datasets
    return found


def _parts(path: Path) -> Iterator[str]:
    """Names of the parts below a folder; the empty one where it has none."""
    if not (path / _PARTS).is_file():
        yield ""
        return
    names = _json(path / _PARTS).get("splits")
    if not isinstance(names, list) or not names:
        raise DataError(f"{path / _PARTS} names no parts")
    yield from (_plain(path / _PARTS, name) for name in names)


def _plain(file: Path, name: object) -> str:
    """A name that leads nowhere else."""
    if not isinstance(name, str) or name in ("", ".", "..") or set(name) & set("/\\\0"):
        raise DataError(f"{file} names {str(name)[:80]!r}, which is no plain name of a file")
    return name


def _json(file: Path) -> Mapping[str, object]:
    try:
        if file.stat().st_size > _LIMIT:
            raise DataError(f"{file} has more than the {_LIMIT} bytes that are read")
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{file} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{file} is no JSON object")
    return found


def _cells(path: Path, notes: dict[str, None]) -> "DataFrame":
    """The rows of one part."""
    import pandas  # not needed to find this reader

    _check_files(path)
    library = _library()
    try:
        found = library.load_from_disk(str(path.absolute()), keep_in_memory=True)
        table, kinds = found.with_format("arrow")[:], found.features
        columns = {name: table.column(name).to_pylist() for name in table.column_names}
    except Exception as error:  # the library raises many types for damaged bytes
        raise DataError(f"{path} is not a readable saved data set: {error}") from error
    for name, kind in kinds.items():
        if isinstance(kind, library.ClassLabel):
            columns[name] = [_named(kind.names, one) for one in columns[name]]
        elif isinstance(kind, library.Audio):
            columns[name] = [None] * len(columns[name])
            notes[f"column {name!r} holds sounds, which are not read"] = None
    series = {name: pandas.Series(cells, dtype=object) for name, cells in columns.items()}
    return pandas.DataFrame(series)


def _named(names: Sequence[str], number: object) -> str | None:
    """The class of a number; None where it is unknown."""
    return names[number] if isinstance(number, int) and 0 <= number < len(names) else None


def _check_files(path: Path) -> None:
    """Refuse a description whose files lie elsewhere, before the library opens any."""
    state = _json(path / _STATE)
    files = state.get("_data_files") or []
    indices = state.get("_indices_data_files") or []
    if not isinstance(files, list) or not isinstance(indices, list):
        raise DataError(f"{path / _STATE} does not list its files")
    for one in (*files, *indices):
        name = one.get("filename") if isinstance(one, dict) else one
        file = path / _plain(path / _STATE, name)
        if file.is_symlink() or not file.is_file():
            raise DataError(f"{path / _STATE} names {name!r}, which is no file beside it")


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this reader."""
    return [SavedDatasetParams]
