"""Other tables beside a table: what they would add, and lists of a published split."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmx.data.beside_lists import TABLES, part_files
from mmx.data.joined_tables import keys_of
from mmx.data.tables import read_table
from mmx.errors import MmxError

if TYPE_CHECKING:
    from pandas import DataFrame

_MOST, _LARGEST = 20, 200 << 20  # files that are opened, and bytes of each
_COVERED = 0.9  # share of the rows that another table must name
_SHOWN = 12  # columns that are named


def tables_beside(path: Path, cells: "DataFrame", used: Sequence[Path] = ()) -> list[str]:
    """Questions about other files in the folder of a table.

    Args:
        path: of the table.
        cells: its rows, with what is joined to them.
        used: further tables that are joined already.
    """
    if path.is_dir():
        return []
    own = {one.absolute() for one in (path, *used)}
    found = sorted(one for one in path.absolute().parent.iterdir() if one.is_file())
    others = [one for one in found if one not in own]
    parts = part_files(path.absolute().parent, [*own])
    asked = [_ask_of_parts(parts)] if {"train", "test"} <= {*parts.values()} else []
    more = [one for one in others if one not in parts and one.name.endswith(TABLES)]
    opened = [one for one in more if one.stat().st_size <= _LARGEST][:_MOST]
    for one in opened:
        asked += _ask_of_columns(one, cells)
    closed = [one.name for one in more if one not in opened]
    return [*asked, *_ask_of_closed(closed)]


def _ask_of_parts(files: Mapping[Path, str]) -> str:
    told = ", ".join(one.name for one in files)
    named = ", ".join(f"{part}: {one.name}" for one, part in files.items())
    return (
        f"are {told} a published split? Lists are taken by themselves where they name each row "
        "once and no group is in two of them; these do not, or another split is. If they are: "
        f"data.split: {{files: {{{named}}}}} (docs/data.md, Groups and splits); groups are dealt "
        "anew otherwise"
    )


def _ask_of_closed(names: Sequence[str]) -> Iterator[str]:
    """Of tables that were not opened, for they are too many or too large."""
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield (
            f"does one of {', '.join(names[:_SHOWN])}{more} belong to this table? They were not "
            f"looked into, for at most {_MOST} tables of up to {_LARGEST >> 20} MiB are; to use "
            "one: --join FILE"
        )


def _ask_of_columns(file: Path, cells: "DataFrame") -> Iterator[str]:
    try:
        other = read_table(file)
        keys = [name for name in other.columns if name in cells.columns]
        new = [name for name in other.columns if name and name not in keys]
        fits = bool(keys and new) and _names_rows(other, cells, keys)
    except MmxError:
        return  # what cannot be read is nothing to ask about
    if fits:
        more = f" and {len(new) - _SHOWN} more" if len(new) > _SHOWN else ""
        yield (
            f"does {file.name} belong to this table? Its {', '.join(keys)} names the same rows, "
            f"and it adds {', '.join(new[:_SHOWN])}{more}; to use it: --join {file.name}"
        )


def _names_rows(other: "DataFrame", cells: "DataFrame", keys: Sequence[str]) -> bool:
    """Whether a table has one row each for nearly all rows of another one."""
    named = [key for key in keys_of(other, keys) if all(key)]
    there = {*named}
    own = keys_of(cells, keys)
    return len(there) == len(named) and sum(key in there for key in own) >= _COVERED * len(own)
