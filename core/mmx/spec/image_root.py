"""Where the files that a table names lie, and the ending that names of images lack."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mmx.blocks import ends_as_image, without_ending
from mmx.spec.column_cells import are_addresses

_LOOKED_AT = 2000  # files
_FEWEST = 3
_ROWS_EACH = 5  # that may show one picture; a class whose name is that of a file has more of them
_FOLDERS = 200  # of each ring around the table
_NAMES = {".": "the folder of the table", "..": "the folder above"}
_ROOTS = 12  # folders that a spec may name
_MOST = 500_000  # files that are looked through
_ENDINGS = (".jpg", ".png", ".jpeg", ".JPG", ".PNG", ".tif", ".tiff", ".bmp", ".webp", ".dcm",
            ".dicom")  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileLocations:
    """Where files were found.

    Attributes:
        roots: folders relative to the table, the one with most files first; empty where no file
            was found.
        why: in words.
        linked: one of the files is a link that leads out of its folder.
        lacking: files that are in none of these folders.
    """

    roots: tuple[str, ...]
    why: str
    linked: str = ""
    lacking: tuple[str, ...] = ()

    @property
    def questions(self) -> tuple[str, ...]:
        """What is asked of the user before such files are read."""
        if not self.linked:
            return ()
        return (
            f"{self.linked!r} is a link that leads out of its folder, and such files are "
            "refused; if you trust where it leads: data.dataset.follow_links: true",
        )


def find_root(files: Sequence[str], folder: Path) -> FileLocations:
    """The folders in which the files lie.

    Args:
        files: as the table names them.
        folder: of the table; it, the folders just below and one further down are looked at, and
            where nothing is there, the folder above and those in it.
    """
    some = list(dict.fromkeys(files))[:_LOOKED_AT]
    if not some:
        return FileLocations((), "there are no files to look for")
    left = some
    roots, told = list[str](), list[str]()
    for places in _rings(folder):
        if left and not (roots and places[0] == ".."):
            left = _looked_in(places, left, folder, roots, told, len(some))
    if not roots:
        words = f"{some[0]!r} was not found beside the table nor just below; mend data.dataset.root"
        return FileLocations((), words, lacking=tuple(left))
    if left:
        told.append(f"there is no file for {len(left)}, such as {left[0]!r}")
    linked = _linked(some, [folder / root for root in roots])
    return FileLocations(tuple(roots), ", ".join(told), linked, tuple(left))


def _looked_in(
    places: Sequence[str], left: list[str], folder: Path, roots: list[str], told: list[str],
    count: int,
) -> list[str]:  # fmt: skip
    """Files that are in none of these folders; folders that hold some become roots."""
    while left:
        counts = Counter({
            name: sum((folder / name / file).is_file() for file in left) for name in places
        })  # fmt: skip
        best, there = counts.most_common(1)[0]
        if not there or len(roots) == _ROOTS:
            break
        roots.append(best)
        where = "there" if best == "." and not told else f"in {_NAMES.get(best, best)}"
        told.append(f"{there} of {count} files are {where}")
        left = [file for file in left if not (folder / best / file).is_file()]
    return left


def find_without_ending(
    columns: Mapping[str, Sequence[str]], folder: Path
) -> tuple[str, str] | None:
    """A column whose values are names of image files without their ending, and that ending."""
    places = [place for ring in _rings(folder) for place in ring]
    for name, cells in columns.items():
        some = _names_of_files(cells)[:20]
        if not some or any(cell.startswith((os.sep, ".")) for cell in some):
            continue
        for ending in _ENDINGS:
            there = sum(
                any((folder / place / f"{cell}{ending}").is_file() for place in places)
                for cell in some
            )
            if there >= 0.8 * len(some):
                return name, ending
    return None


def find_below(
    columns: Mapping[str, Sequence[str]], folder: Path, lacking: Sequence[str] = ()
) -> tuple[str, str] | None:
    """A column whose values are names of image files in any folder below, and their common folder.

    Names may have no ending, as ``suffix: found`` looks them up.

    Args:
        columns: name -> cells.
        folder: of the table.
        lacking: files that are not where the others are, and are looked for; where none of them is
            below, nothing is won.
    """
    known = _files_below(folder)
    if lacking and not any(_is_there(file, folder, known) for file in lacking):
        return None
    for name, cells in columns.items():
        some = [] if are_addresses(cells) else _names_of_files(cells)[:_LOOKED_AT]
        there = [known[_bare(cell)] for cell in some if _ends_alike(cell, known)]
        if some and len(there) >= 0.8 * len(some):
            return name, os.path.commonpath(there) or "."
    return None


def _ends_alike(name: str, known: Mapping[str, str]) -> bool:
    """Whether a file is found by a name: one with folders must be the end of its path."""
    bare = _bare(name)
    if bare not in known:
        return False
    own = without_ending(name).removeprefix("./")
    return f"/{known[bare]}/{bare}".endswith(f"/{own}")


def _is_there(file: str, folder: Path, known: Mapping[str, str]) -> bool:
    """Whether a file lies below, and is no link that leads to nothing."""
    below = known.get(_bare(file))
    place = folder / (below or ".") / os.path.basename(file)
    return below is not None and (place.is_file() or not place.is_symlink())


def _bare(file: str) -> str:
    return without_ending(os.path.basename(file))


def _names_of_files(cells: Sequence[str]) -> list[str]:
    """The different values of a column, if it can name a file in each row; else none."""
    filled = [cell for cell in cells if cell]
    some = list(dict.fromkeys(filled))
    return some if len(some) >= max(_FEWEST, len(filled) / _ROWS_EACH) else []


def _files_below(folder: Path) -> dict[str, str]:
    """Name of an image file without its ending -> the folder in which it lies."""
    found: dict[str, str] = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = os.path.relpath(place, folder)
        found |= {without_ending(name): below for name in files if ends_as_image(name)}
        if len(found) > _MOST:
            break
    return found


def _rings(folder: Path) -> Iterator[list[str]]:
    """Folders near the table: its own and those in it, those in them, and those above."""
    near = _below(folder)
    yield [".", *near]
    deeper = [f"{name}/{one}" for name in near for one in _below(folder / name)][:_FOLDERS]
    if deeper:
        yield deeper
    above = folder.absolute().parent
    yield ["..", *(f"../{one}" for one in _below(above) if above / one != folder.absolute())]


def _below(folder: Path) -> list[str]:
    with suppress(OSError):  # a folder that may not be opened holds nothing for us
        found = (one.name for one in folder.iterdir() if one.is_dir())
        return sorted(name for name in found if not name.startswith("."))[:_FOLDERS]
    return []


def _linked(files: Sequence[str], roots: Sequence[Path]) -> str:
    """A file that is a link, or in a linked folder, out of the folder in which it is named."""
    for file in files:
        root = next((one for one in roots if (one / file).is_file()), None)
        if root is not None:
            real, base = os.path.realpath(root / file), os.path.realpath(root)
            if not real.startswith(f"{base}{os.sep}"):
                return file
    return ""
