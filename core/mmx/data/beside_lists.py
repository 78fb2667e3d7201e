"""Lists of a published split that lie beside a table, and fit its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mmx.data.split_lists import LINES, SplitList, places_of, read_list, rows_by_name
from mmx.errors import MmxError
from mmx.spec import Columns, part_named, torn_by

if TYPE_CHECKING:
    from pandas import DataFrame

TABLES = (".csv", ".tsv", ".csv.gz", ".xlsx", ".parquet", ".jsonl")
"""Endings of tables that are looked into."""
_INDICES = ("index", "indexes", "indices", "idx")
"""Columns that hold indices of rows, counted from 0."""


def part_files(folder: Path, own: Sequence[Path]) -> dict[Path, str]:
    """Files of a folder whose names speak of a part -> that part.

    Args:
        folder: that is looked into.
        own: files that are something else.
    """
    found = sorted(one for one in folder.iterdir() if one.is_file() and one not in own)
    parts = {one: _part(one) for one in found if one.name.endswith((LINES, *TABLES))}
    return {one: part for one, part in parts.items() if part}


def _part(file: Path) -> str:
    """The part that the name of a file speaks of; empty when it speaks of none."""
    words = file.name.partition(".")[0].replace("-", "_").split("_")
    return next((part for word in words if (part := part_named(word))), "")


def with_lists(columns: Columns, table: Path, cells: "DataFrame") -> Columns:
    """The same with the published split that lists beside the table hold, where they fit.

    Every row must be in one list, and no group in two parts; otherwise nothing is changed.

    Args:
        columns: what is guessed of the table.
        table: its file.
        cells: its rows.
    """
    if table.is_dir() or columns.split or columns.cases.case:
        return columns
    found = part_files(table.absolute().parent, [table.absolute()])
    files = {part: file for file, part in found.items()}
    if not {"train", "test"} <= {*files} or len(files) < len(found):
        return columns
    lists, rows = _read(files, columns, cells)
    parts = [""] * len(cells)
    for part, one in lists.items():
        for name in one.names:
            for row in rows.get(name, ()):
                parts[row] = part if parts[row] in ("", part) else "?"
    known = all(name in rows for one in lists.values() for name in one.names)
    torn = columns.group and torn_by(parts, _texts(cells, columns.group), columns.group_pattern)[0]
    if not known or torn or {*parts} & {"", "?"} or not lists:
        return columns
    column = next(iter(lists.values())).column
    settings = {"files": files} | ({"index": column} if column in _INDICES else {})
    told = ", ".join(file.name for file in files.values())
    why = f"a published split: {told} name every row once"
    return replace(columns, split=settings, reasons={**columns.reasons, "split": why})


def _read(
    files: Mapping[str, Path], columns: Columns, cells: "DataFrame"
) -> tuple[dict[str, SplitList], Mapping[str, Sequence[int]]]:
    """The lists, and how they name the rows; nothing where one cannot be read."""
    known = {name: _texts(cells, name) for name in columns.images}
    try:
        lists = {part: read_list(file, [*known, *_INDICES]) for part, file in files.items()}
    except MmxError:  # a file that cannot be read, or a library that is not there
        return {}, {}
    kinds = {one.column for one in lists.values()}
    if len(kinds) > 1:
        return {}, {}
    (column,) = kinds
    if column in _INDICES:
        return lists, {str(row): (row,) for row in range(len(cells))}
    return lists, rows_by_name([*lists.values()], known) if not column else places_of(known[column])


def _texts(cells: "DataFrame", name: str) -> list[str]:
    return ["" if cell is None else str(cell).strip() for cell in cells[name].tolist()]
