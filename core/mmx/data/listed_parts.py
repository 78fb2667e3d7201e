"""The parts of a published split that one file each names."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmx.data.manifest import Manifest
from mmx.data.split_lists import Rows, SplitList, places_of, read_list, rows_by_name
from mmx.data.whole_groups import UNUSED
from mmx.errors import DataError, SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmx.spec import SplitSpec

_SHOWN = 5


def listed_parts(manifest: Manifest, spec: "SplitSpec") -> "NDArray[np.str_]":
    """[n], the part of every row, by the files that name the rows.

    Raises:
        DataError: a name that no row has, or one that two files name, each at file:line:column.
        SettingsError: rows with a label that no file names.
    """
    known: dict[str, Sequence[str]] = {
        "sample_id": manifest.ids.tolist(),
        **manifest.dataset.names(),
    }
    columns = [*known] if spec.index is None else [spec.index]
    lists = {part: read_list(path, columns) for part, path in spec.files.named().items()}
    plain = [one for one in lists.values() if not one.column]
    own = rows_by_name(plain, known) if plain else {}
    if spec.index is not None:
        own = _by_index(manifest, {name for one in lists.values() for name in one.names})
    part_of, faults = [""] * len(manifest), list[str]()
    for part, one in lists.items():
        named = not one.column or spec.index is not None
        rows = own if named else places_of(known[one.column])
        faults += one.faults(_taken(part, one, rows, part_of, lists))
    if faults:
        raise DataError("\n".join([*faults, *_named(manifest), *_unusable(manifest)]))
    left = [place for place, part in enumerate(part_of) if not part and manifest.known[place]]
    _refuse_left(manifest.ids[left])
    return np.array([part or UNUSED for part in part_of], dtype="<U11")


def _taken(
    part: str, one: SplitList, rows: Rows, part_of: list[str], lists: Mapping[str, SplitList]
) -> dict[int, str]:
    """Give the rows that a file names their part, in place; the names with which that fails."""
    bad: dict[int, str] = {}
    for place, name in enumerate(one.names):
        if name not in rows:
            bad[place] = _unknown(name, one)
        for row in rows.get(name, ()):
            if part_of[row] not in ("", part):
                other = lists[part_of[row]].path.name
                bad[place] = f"{name!r} is in {other} too, and a row can be in one part"
            part_of[row] = part
    return bad


def _unknown(name: str, one: SplitList) -> str:
    what = f"column {one.column!r}: " if one.column else ""
    return f"{what}no row of the data set is named {name!r}"


def _named(manifest: Manifest) -> list[str]:
    """How rows are named, for whoever looks for another name."""
    first = [str(one) for one in manifest.ids[:2].tolist()]
    return [f"rows of the data set are named such as {', '.join(first)}"] if first else []


def _unusable(manifest: Manifest) -> list[str]:
    """What is said of rows of the table that are no rows of the data set."""
    rows = manifest.dataset.rejected()
    if not rows:
        return []
    first = f"{rows[0].row}: {rows[0].reason}"
    return [
        f"rows of the table that cannot be used: {len(rows)} ({first}); mend them, or leave them "
        "out of the lists"
    ]


def _by_index(manifest: Manifest, named: Collection[str]) -> Rows:
    """Rows by their place in the table, from 0; those that cannot be used are none."""
    indices = manifest.dataset.indices()
    if not len(indices):
        words = (
            "its rows have no indices, for they are gathered from several, lines between them that "
            "repeat the names of the columns are left out, or they are those of no table"
        )
        raise SettingsError([(("index",), f"{words}; name them: leave index out")])
    count = len(indices) + len(manifest.dataset.rejected())
    if "0" not in named and str(count) in named:
        words = f"files name row {count} of {count} and no row 0: indices are counted from 0"
        raise SettingsError([(("index",), f"{words}; write each one less")])
    places: dict[str, Sequence[int]] = {str(k): () for k in range(count)}
    return places | {str(index): (place,) for place, index in enumerate(indices)}


def _refuse_left(left: "NDArray[np.object_]") -> None:
    if len(left):
        more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
        words = (
            f"no file names {', '.join(map(str, left[:_SHOWN]))}{more}: every row of the data set "
            "must be in one; those that no part takes belong into a file of their own, unused: FILE"
        )
        raise SettingsError([(("files",), words)])
