"""Image files that a table names: their ending, their folder, and whether they stay inside it.

A cell is a name, or a tuple of several; what is no name (a program's own path, an image that lies
in the table itself) is left as it is.
"""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmx.blocks import ends_as_image, inside
from mmx.data.cells import Faults
from mmx.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ADDRESS = re.compile(r"^(https?|ftp|s3|gs|hf|file|data):", re.IGNORECASE)


def with_suffix(paths: "NDArray[np.object_]", suffix: str) -> "NDArray[np.object_]":
    """These names with an ending where they have none of an image."""
    if not suffix:
        return paths
    return each_name(
        paths, lambda name: name if not name or ends_as_image(name) else f"{name}{suffix}"
    )


def placed(paths: "NDArray[np.object_]", roots: Sequence[Path]) -> "NDArray[np.object_]":
    """Each name in the first of these folders in which it is there; else in the first one."""

    def in_folder(name: str) -> Path | str:
        if not name:
            return name
        there = (root for root in roots if os.path.exists(os.path.join(root, name)))
        return (next(there, roots[0]) if len(roots) > 1 else roots[0]) / name

    return each_name(paths, in_folder)


def told_of_several(
    paths: "NDArray[np.object_]", roots: Sequence[Path], column: str
) -> tuple[str, ...]:
    """What is said of names that several folders have a file for; that of the first one counts."""
    if len(roots) < 2:
        return ()
    folders: dict[tuple[Path, str], frozenset[str]] = {}

    def there(root: Path, name: str) -> bool:
        folder, file = os.path.split(name)
        if (root, folder) not in folders:
            place = root / folder
            folders[root, folder] = frozenset(os.listdir(place) if place.is_dir() else ())
        return file in folders[root, folder]

    names = dict.fromkeys(one for cell in paths.tolist() for one in in_cell(cell) if one)
    # files and not roots are counted, for an absolute path is the same in each
    several = [
        name for name in names if len({root / name for root in roots if there(root, name)}) > 1
    ]
    if not several:
        return ()
    first = next(root for root in roots if there(root, several[0]))
    return (
        f"column {column!r}: {len(several)} of {len(names)} names have a file in more than one "
        f"folder; that of the first counts, such as {several[0]!r} in {first.name}",
    )


def each_name(
    paths: "NDArray[np.object_]", change: Callable[[str], Path | str]
) -> "NDArray[np.object_]":
    """The cells with each of their names changed."""
    found = np.empty(len(paths), dtype=object)
    for row, cell in enumerate(paths.tolist()):
        if isinstance(cell, tuple):
            found[row] = tuple(change(one) if isinstance(one, str) else one for one in cell)
        else:
            found[row] = change(cell) if isinstance(cell, str) else cell
    return found


def in_cell(cell: object) -> tuple[str, ...]:
    """The names that a cell holds."""
    held = cell if isinstance(cell, tuple) else (cell,)
    return tuple(one for one in held if isinstance(one, str))


def leaving(
    paths: "NDArray[np.object_]", roots: Sequence[Path], column: str, links: bool
) -> Faults:
    """Row -> reason, for names that leave their folder; each folder is looked at once.

    Args:
        paths: as the table names them.
        roots: folders that they must stay in.
        column: their name in the table.
        links: a file may be a link to somewhere else; its name must stay inside all the same.
    """
    faults, known = Faults(), set[str]()
    start = f"{roots[0]}{os.sep}"  # os.path.join per row takes a third of the time
    names = ((row, one) for row, cell in enumerate(paths.tolist()) for one in in_cell(cell))
    for row, path in names:
        folder, name = os.path.split(path)
        linked = len(roots) > 1 or os.path.islink(start + path)
        plain = name not in ("", ".", "..") and not linked
        if not path or (plain and folder in known):
            continue
        why = _outside(path, roots, links)
        if why:
            faults[row] = f"column {column!r}: {why}"
        else:
            known.update([folder] if plain else [])
    return faults


def _holds(root: Path, path: str) -> bool:
    """Whether a file is there below a folder; a whole path is the same file seen from each."""
    return os.path.exists(os.path.join(root, path)) and (
        not os.path.isabs(path) or path.startswith(f"{root}{os.sep}")
    )


def _outside(path: str, roots: Sequence[Path], links: bool) -> str:
    """Why a name leads out of its folder; empty when it does not."""
    if _ADDRESS.match(path):
        return (
            f"{path[:80]!r} is an address, and mmx fetches nothing; fetch the files once and name "
            "them below data.dataset.root"
        )
    root = next((one for one in roots if _holds(one, path)), roots[0])
    named = os.path.normpath(os.path.join(root, path))
    below = named.startswith(f"{root}{os.sep}") and "\0" not in path
    if links and below:
        return ""
    try:
        inside(root, path)
    except DataError as error:
        way = "; if that is a link into a store that you trust: data.dataset.follow_links: true"
        return f"{error}{way if below else ''}"
    return ""
