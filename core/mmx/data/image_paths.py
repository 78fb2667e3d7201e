"""Image files that a table names: their ending, their folder, and whether they stay inside it."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmx.data.cells import Faults
from mmx.data.tables import inside
from mmx.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ENDING = re.compile(r"\.(jpe?g|png|bmp|tiff?|webp|gif|jp2|ppm|pgm)$", re.IGNORECASE)


def with_suffix(paths: "NDArray[Any]", suffix: str) -> "NDArray[Any]":
    """These names with an ending where they have none of an image."""
    if not suffix:
        return paths
    ended = [
        f"{path}{suffix}" if isinstance(path, str) and path and not _ENDING.search(path) else path
        for path in paths.tolist()
    ]
    return np.array(ended, dtype=object)


def placed(paths: "NDArray[Any]", roots: Sequence[Path]) -> "NDArray[Any]":
    """Each name in the first of these folders in which it is there; else in the first one."""
    found = np.empty(len(paths), dtype=object)
    for row, path in enumerate(paths.tolist()):
        if not path or isinstance(path, Path):  # a program's own, not a name in a table
            found[row] = path
            continue
        there = (root for root in roots if os.path.exists(os.path.join(root, path)))
        found[row] = next(there, roots[0]) / path if len(roots) > 1 else roots[0] / path
    return found


def leaving(paths: "NDArray[Any]", roots: Sequence[Path], column: str, links: bool) -> Faults:
    """Row -> reason, for names that leave their folder; each folder is looked at once.

    Args:
        paths: as the table names them.
        roots: folders that they must stay in.
        column: their name in the table.
        links: a file may be a link to somewhere else; its name must stay inside all the same.
    """
    faults, known = Faults(), set[str]()
    start = f"{roots[0]}{os.sep}"  # os.path.join per row takes a third of the time
    for row, path in enumerate(paths.tolist()):
        if isinstance(path, Path):
            continue
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


def _outside(path: str, roots: Sequence[Path], links: bool) -> str:
    """Why a name leads out of its folder; empty when it does not."""
    root = next((one for one in roots if os.path.exists(os.path.join(one, path))), roots[0])
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
