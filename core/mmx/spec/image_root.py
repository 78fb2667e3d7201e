"""Where the image files of a table lie, and the ending that their names lack."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LOOKED_AT = 2000  # files
_FOLDERS = 200  # just below the table
_ENDINGS = (".jpg", ".png", ".jpeg", ".JPG", ".PNG", ".tif", ".tiff", ".bmp", ".webp")


@dataclass(frozen=True, slots=True)
class ImageLocations:
    """Where image files were found.

    Attributes:
        roots: folders relative to the table, the one with most files first.
        why: in words.
        linked: one of the files is a link that leads out of its folder.
    """

    roots: tuple[str, ...]
    why: str
    linked: str = ""


def find_root(files: Sequence[str], folder: Path) -> ImageLocations:
    """The folders in which the image files lie.

    Args:
        files: as the table names them.
        folder: of the table; it and the folders just below are looked at.
    """
    some = list(dict.fromkeys(files))[:_LOOKED_AT]
    if not some:
        return ImageLocations((".",), "there are no image files to look for")
    left = some
    roots = list[str]()
    told = list[str]()
    while left:
        counts = Counter({
            name: sum((folder / name / file).is_file() for file in left)
            for name in (".", *_below(folder))
        })  # fmt: skip
        best, count = counts.most_common(1)[0]
        if not count:
            break
        roots.append(best)
        where = "there" if len(roots) == 1 else f"in {best}"
        told.append(f"{count} of {len(some)} files are {where}")
        left = [file for file in left if not (folder / best / file).is_file()]
    if not roots:
        words = f"{some[0]!r} was not found beside the table nor just below; mend data.dataset.root"
        return ImageLocations((".",), words)
    if left:
        told.append(f"{len(left)} are nowhere, such as {left[0]!r}")
    return ImageLocations(
        tuple(roots), ", ".join(told), _linked(some, [folder / root for root in roots])
    )


def find_without_ending(
    columns: Mapping[str, Sequence[str]], folder: Path
) -> tuple[str, str] | None:
    """A column whose values are names of image files without their ending, and that ending."""
    for name, cells in columns.items():
        some = list(dict.fromkeys(cell for cell in cells if cell))[:20]
        if len(some) < 3 or any(os.sep in cell and cell.startswith(os.sep) for cell in some):
            continue
        for ending in _ENDINGS:
            for place in (".", *_below(folder)):
                there = sum((folder / place / f"{cell}{ending}").is_file() for cell in some)
                if there >= 0.8 * len(some):
                    return name, ending
    return None


def _below(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir())[:_FOLDERS]


def _linked(files: Sequence[str], roots: Sequence[Path]) -> str:
    """A file that is a link, or in a linked folder, out of the folder in which it is named."""
    for file in files:
        root = next((one for one in roots if (one / file).is_file()), None)
        if root is not None:
            real, base = os.path.realpath(root / file), os.path.realpath(root)
            if not real.startswith(f"{base}{os.sep}"):
                return file
    return ""
