"""Where the image files of a table lie."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

_LOOKED_AT = 2000  # files
_FOLDERS = 200  # just below the table


def find_root(files: Sequence[str], folder: Path) -> tuple[str, str]:
    """The folder in which the image files lie, relative to the table, and why.

    Args:
        files: as the table names them.
        folder: of the table; it and the folders just below are looked at.
    """
    some = list(dict.fromkeys(files))[:_LOOKED_AT]
    if not some:
        return ".", "there are no image files to look for"
    below = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())[:_FOLDERS]
    counts = Counter({
        name: sum((folder / name / file).is_file() for file in some) for name in (".", *below)
    })  # fmt: skip
    best, count = counts.most_common(1)[0]
    if not count:
        return (
            ".",
            f"{some[0]!r} was not found beside the table nor just below; mend data.dataset.root",
        )
    told = f"{count} of {len(some)} files are there"
    others = [name for name, there in counts.items() if there and name != best]
    if count < len(some) and others:
        told += (
            f", others in {', '.join(others)}; several folders are not read yet: move the files "
            "into one, or write the folder into the cells and name the folder above as "
            "data.dataset.root"
        )
    return best, told
