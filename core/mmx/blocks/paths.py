"""Naming files safely."""

import os
from functools import lru_cache
from pathlib import Path

from mmx.errors import DataError


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
