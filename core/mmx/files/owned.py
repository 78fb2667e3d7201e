"""Folders of mmx's own inside folders of other people.

Whoever deletes to make room may only do so in a folder that carries mmx's mark, and only what has a
name that mmx gives. The mark is a cache directory tag, which programs for backups know too.
Source: Cache Directory Tagging Specification, https://bford.info/cachedir/.
"""

import os
from pathlib import Path

from mmx.files.atomic import is_part, write_whole
from mmx.files.regular import UnfitFileError, read_regular

TAG = "CACHEDIR.TAG"
_CACHE = "mmx-cache"
_MARK = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n"
    b"# This folder was made by mmx, which may delete what it made here; keep nothing else in it.\n"
)


def own_folder(folder: Path) -> Path:
    """Make a folder and mark it as mmx's own, or find the mark that an earlier call left.

    Raises:
        UnfitFileError: there is something in it already, and no mark of mmx.
        OSError: it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if _marked(folder):
        return folder
    others = [entry for entry in folder.iterdir() if not is_part(entry)]
    if not others:
        write_whole(folder / TAG, _MARK)
    elif not _marked(folder):  # another process may have marked it meanwhile
        raise UnfitFileError(
            f"{folder} holds files and no {TAG} of mmx, so it is not mmx's to write and delete in; "
            "move it away, or name another folder for the cache"
        )
    return folder


def cache_path(named: Path | None = None) -> Path:
    """Where all of mmx's caches are: ``mmx-cache`` inside another folder.

    Args:
        named: the folder around it; None: what MMX_CACHE names, else ``~/.cache/mmx``.
    """
    around = named or Path(os.environ.get("MMX_CACHE") or Path.home() / ".cache" / "mmx")
    return around / _CACHE


def _marked(folder: Path) -> bool:
    try:
        return read_regular(folder / TAG, limit=4096, links=False) == _MARK
    except OSError:
        return False
