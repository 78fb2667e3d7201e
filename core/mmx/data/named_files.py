"""Files that the columns of a table name, with the folder and ending that a layout gives them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmx.blocks import with_slashes, without_ending, without_text_ending
from mmx.data.cells import Faults
from mmx.data.found_files import FOUND, FolderListing, with_found_endings
from mmx.data.image_paths import each_name, in_cell, told_of_several, with_suffix
from mmx.interfaces import Layout

if TYPE_CHECKING:
    from mmx.data.cells import Cells


class NamedFiles:
    """Gives names their endings: the one that is stated, or that of the file that is there.

    Attributes:
        faults: row -> why its file cannot be told.
        notes: sentences on what was found.
    """

    def __init__(self, layout: Layout, roots: Sequence[Path]) -> None:
        self._layout, self._roots = layout, roots
        self.faults = Faults()
        self.notes: tuple[str, ...] = ()

    def images(self, cells: "Mapping[str, Cells]") -> "dict[str, Cells]":
        """Names of image files by column."""
        cells = {name: self._with_slashes(name, one) for name, one in cells.items()}
        if self._layout.suffix != FOUND or not cells:
            named = {name: with_suffix(one, self._layout.suffix) for name, one in cells.items()}
        else:
            named = self._found(cells, without_ending)
        for name, paths in named.items():
            self.notes += told_of_several(paths, self._roots, name)
        return named

    def texts(self, cells: "Mapping[str, Cells]") -> "dict[str, Cells]":
        """Names of text files by column; a stated ending is that of images, and none of theirs."""
        cells = {name: self._with_slashes(name, one) for name, one in cells.items()}
        if self._layout.suffix != FOUND or not cells:
            return dict(cells)
        return self._found(cells, without_text_ending)

    def _with_slashes(self, column: str, cells: "Cells") -> "Cells":
        """The same names with / where Windows wrote \\ between folders; that is told."""
        written = [one for cell in cells.tolist() for one in in_cell(cell) if "\\" in one]
        if not written:
            return cells
        told = f"column {column!r}: \\ is read as / between folders, as in {written[0]!r}"
        self.notes = (*self.notes, told)
        return each_name(cells, with_slashes)

    def _found(
        self, cells: "Mapping[str, Cells]", bare: Callable[[str], str]
    ) -> "dict[str, Cells]":
        listing = FolderListing(self._roots, links=self._layout.follow_links, bare=bare)
        found = {}
        for name, paths in cells.items():
            found[name], faults, told = with_found_endings(paths, listing, name)
            self.faults.update(faults)
            self.notes = (*self.notes, told)
        return found
