"""Files by their id: ending and folder below a root are looked up in one listing."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmx.blocks import without_ending
from mmx.data.cells import Faults
from mmx.data.image_paths import each_name

if TYPE_CHECKING:
    from mmx.data.cells import Cells

FOUND = "found"
"""What stands for the ending where each file is looked up."""
_NONE = ""  # where a name has no file
_SHOWN = 4  # files named in a reason


class FolderListing:
    """The files below some roots, each root walked once; names that begin with a dot are not.

    Attributes:
        roots: in the order in which they are looked in.
        bare: gives the path of a file without its ending, where that is one of those looked for.
    """

    def __init__(
        self, roots: Sequence[Path], *, links: bool, bare: Callable[[str], str] = without_ending
    ) -> None:
        """Walk.

        Args:
            roots: folders.
            links: links to folders are followed, each folder once.
            bare: see above; unless said, of images.
        """
        self.roots, self.bare = roots, bare
        self._exact: list[set[str]] = []
        self._known: list[dict[str, list[str]]] = []  # by the last one and two parts of each path
        for root in roots:
            files = list(_files(root, links))
            known: dict[str, list[str]] = {}
            for file in files:
                own = bare(file)
                for end in {_last(own, 1), _last(own, 2)}:
                    known.setdefault(end, []).append(file)
            self._exact.append({*files})
            self._known.append(known)

    def files(self, name: str) -> Sequence[str]:
        """The files that a name may mean, below the first root that has any; relative to it.

        A name is a path below a root, or its end, with or without the ending.
        """
        tail = name.removeprefix("./")
        for exact, known in zip(self._exact, self._known, strict=True):
            if tail in exact:
                return (tail,)
            end = _last(tail, 2)
            ends = dict.fromkeys((end, self.bare(end)))
            held = [file for key in ends for file in known.get(key, ())]
            at_root = [file for file in held if tail in self._names(file)]
            below = [
                file for file in held if any(one.endswith(f"/{tail}") for one in self._names(file))
            ]
            if at_root or below:
                return at_root or below
        return ()

    def ending(self, file: str) -> str:
        """The ending of a file that was found."""
        name = file.rpartition("/")[2]
        return name[len(self.bare(name)) :] or "no ending"

    def _names(self, file: str) -> tuple[str, str]:
        """What a file may be called: its path with and without the ending."""
        return file, self.bare(file)


def with_found_endings(
    paths: "Cells", listing: FolderListing, column: str
) -> "tuple[Cells, Faults, str]":
    """These names as files that are there; one that may mean several is left, and is a fault.

    Args:
        paths: as the table names them.
        listing: of the roots.
        column: their name in the table.

    Returns:
        The names, row -> why it cannot be used, and a sentence on what was found.
    """
    named = [
        (row, name)
        for row, cell in enumerate(paths.tolist())
        for name in (cell if isinstance(cell, tuple) else (cell,))
        if isinstance(name, str) and name
    ]
    found = {name: listing.files(name) for name in dict.fromkeys(name for _, name in named)}
    faults = Faults()
    endings = Counter[str]()
    only: dict[str, str] = {}
    for row, name in named:
        files = found[name]
        if len(files) == 1:
            only[name] = files[0]
            endings[listing.ending(files[0])] += 1
        elif files:
            shown = " or ".join(files[:_SHOWN]) + (" or others" if len(files) > _SHOWN else "")
            faults[row] = (
                f"column {column!r}: {name!r} may be {shown}; name the file with its folder and "
                "ending"
            )
        else:
            endings[_NONE] += 1
    return each_name(paths, lambda name: only.get(name, name)), faults, _told(column, endings)


def _told(column: str, endings: Counter[str]) -> str:
    """How many files of which ending, and how many are not there."""
    lost = endings.pop(_NONE, 0)
    told = ", ".join(f"{ending} ({count} x)" for ending, count in endings.most_common())
    more = f"; {lost} names have no file" if lost else ""
    return f"column {column!r}: endings of the files that were found: {told or 'none'}{more}"


def _last(path: str, parts: int) -> str:
    """The end of a path, of at most so many parts."""
    return "/".join(path.rsplit("/", parts)[-parts:])


def _files(root: Path, links: bool) -> Iterator[str]:
    """Files below a root, relative to it with ``/`` between folders."""
    seen = {os.path.realpath(root)}
    folders = [(str(root), "")]
    while folders:
        folder, above = folders.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue  # what lies in it is told as missing
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if not entry.is_dir(follow_symlinks=links):
                yield above + entry.name
                continue
            place = os.path.realpath(entry.path) if links else entry.path
            if place not in seen:
                seen.add(place)
                folders.append((entry.path, f"{above}{entry.name}/"))
