"""Folders that had another name in an earlier version."""

from contextlib import suppress
from pathlib import Path


def under_new_name(folder: Path, before: str) -> Path:
    """The folder; if it only exists under its earlier name beside it, it is renamed first.

    What counts over months (readers of a test part, comparisons) must not begin anew with a
    version. Of several processes one renames; the others find the new name.
    """
    earlier = folder.with_name(before)
    if earlier.is_dir() and not folder.exists():
        with suppress(OSError):
            earlier.rename(folder)
    return folder
