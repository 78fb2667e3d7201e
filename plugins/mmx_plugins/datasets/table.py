"""One's own table: any CSV, TSV or Parquet file with a row per case.

Rows are counted as a spreadsheet shows them: the header is row 1. Paths of images are relative to
``root`` (the folder of the table unless stated) and may not leave it.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from pydantic import Field, model_validator

from mmx import (
    DataError,
    Dataset,
    DatasetParams,
    Facts,
    Params,
    Rejected,
    Sample,
    SpecPath,
    hookimpl,
    inside,
    read_table,
)
from mmx.interfaces import View

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame, Series

_GROUPING = (
    "say which rows belong together: group: COLUMN names the patient, lesion or study of each row, "
    "and no group is ever in two parts of the split, for two photographs of one lesion in training "
    "and test would make the test too easy; group: null states that every row is a case of its own"
)


class TableParams(DatasetParams):
    """A table with columns for images, text, label and group; at least images or a text."""

    type: Literal["table"] = "table"
    path: SpecPath = Field(description="the .csv, .tsv or .parquet file")
    root: SpecPath | None = Field(
        default=None, description="folder of the images; null: that of the table"
    )
    images: tuple[str, ...] = Field(
        default=(), description="columns with paths of images; empty cell: none"
    )
    text: str | None = Field(
        default=None, description="column with the text, for narrative: column"
    )
    label: str | None = Field(
        default=None, description="column with the class; null: unknown, to predict"
    )
    group: str | None = Field(description="column with patient, lesion or study; null: every row")
    record: tuple[str, ...] = Field(default=(), description="columns such as age, sex and site")
    id: str | None = Field(default=None, description="column with an id; null: the row's number")
    classes: tuple[str, ...] | None = Field(
        default=None, description="class names in order; null: those in the table, sorted"
    )
    synonyms: Mapping[str, tuple[str, ...]] = Field(
        default={}, description="other names of classes, as texts may tell them"
    )
    leak_columns: tuple[str, ...] = Field(
        default=(),
        description="columns of the record that tell the label; narratives never see them",
    )
    allowed_views: tuple[View, ...] = Field(
        default=("identity",), description="views that leave the diagnosis unchanged, such as hflip"
    )

    @model_validator(mode="before")
    @classmethod
    def _group_is_stated(cls, values: Any) -> Any:
        if isinstance(values, dict) and "group" not in values:
            raise ValueError(_GROUPING)
        return values

    @model_validator(mode="after")
    def _something_to_see(self) -> "TableParams":
        if not self.images and self.text is None:
            raise ValueError("name columns of images, or a text column, or both")
        return self

    def build(self) -> "Table":
        return Table(self)


class Table(Dataset):
    """Rows of the table that can be used."""

    def __init__(self, params: TableParams) -> None:
        table = read_table(params.path)
        _check_columns(params, table)
        self._rows = TableRows(params, table)
        self._rejected = [*self._rows.rejected]
        self.classes = params.classes or self._rows.classes()
        self.facts = Facts(
            params.synonyms,
            params.leak_columns,
            params.allowed_views,
            group=params.group or "row",
        )

    def samples(self) -> Sequence[Sample]:
        return self._rows

    def rejected(self) -> Sequence[Rejected]:
        return self._rejected


class TableRows(Sequence[Sample]):
    """Builds each Sample when it is asked for, so that a million rows take little memory."""

    def __init__(self, params: TableParams, table: "DataFrame") -> None:
        self._root = (params.root or params.path.parent).absolute()
        self._images = [_text(table[name]) for name in params.images]
        self._group = None if params.group is None else _text(table[params.group])
        self._id = None if params.id is None else _text(table[params.id])
        self._label = None if params.label is None else _text(table[params.label])
        names = [*params.record, *([params.text] if params.text else [])]
        self._record = {name: _values(table[name], name == params.text) for name in names}
        self.rejected: list[Rejected] = []
        self._kept = self._usable(len(table), params)

    def classes(self) -> tuple[str, ...]:
        """Labels in the table, sorted."""
        if self._label is None:
            raise DataError("without a label column, state the classes: classes: [a, b]")
        return tuple(sorted(set(self._label[self._kept]) - {""}))

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
        )

    def _usable(self, rows: int, params: TableParams) -> "NDArray[np.int64]":
        """Row numbers that can be used; the others go to ``rejected``."""
        faults: dict[int, str] = {}
        for name, values in ((params.group, self._group), (params.id, self._id)):
            if values is not None:
                empty = np.flatnonzero(values == "")
                faults.update(dict.fromkeys(empty.tolist(), f"column {name!r} is empty"))
        for name, paths in zip(params.images, self._images, strict=True):
            faults.update(_leaving(self._root, paths, name))
        seen = [values != "" for values in self._images]
        if params.text is not None:
            seen.append(np.array([value is not None for value in self._record[params.text]]))
        nothing = np.flatnonzero(~np.any(seen, axis=0))
        faults.update(dict.fromkeys(nothing.tolist(), "has neither an image nor a text"))
        self.rejected = [Rejected(f"row {row + 2}", faults[row]) for row in sorted(faults)]
        return np.setdiff1d(np.arange(rows), np.fromiter(faults, np.int64, len(faults)))


def _check_columns(params: TableParams, table: "DataFrame") -> None:
    single = (params.text, params.label, params.group, params.id)
    wanted = [*params.images, *(name for name in single if name is not None), *params.record]
    lacking = [name for name in dict.fromkeys(wanted) if name not in table.columns]
    if lacking:
        raise DataError(
            f"{params.path} has no column {', '.join(map(repr, lacking))}; "
            f"its columns are {', '.join(map(str, table.columns))}"
        )
    if params.label is not None and params.label in params.record:
        raise DataError(f"the label column {params.label!r} must not be in the record as well")


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
    """Cells as strings without outer spaces, whole numbers without '.0'; missing is ''."""
    if column.dtype.kind == "f" and not (column.dropna() % 1).any():
        column = column.astype("Int64")
    known: dict[Any, str] = {}  # one string for equal cells
    return np.array(
        [
            known.setdefault(cell, "" if missing else str(cell).strip())
            for cell, missing in zip(column.tolist(), column.isna(), strict=True)
        ],
        dtype=object,
    )


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


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this data set."""
    return [TableParams]
