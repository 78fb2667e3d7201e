"""Cells of a column of images: names of files, several in one cell, or the images themselves."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmx.blocks import ends_as_image
from mmx.interfaces import PackedImage

if TYPE_CHECKING:
    from pandas import Series

    from mmx.data.cells import Cells

_BETWEEN = re.compile(r"\s*[;|,\n]\s*")


@dataclass(frozen=True, eq=False)
class CellImage(PackedImage):
    """An image file whose bytes stand in a cell.

    Attributes:
        name: column and row of the cell.
        content: the bytes.
    """

    name: str
    content: bytes

    def read(self) -> bytes:
        """The bytes."""
        return self.content


def image_cells(column: "Series[Any]", texts: "Callable[[Series[Any]], Cells]") -> "Cells":
    """What each cell names or holds.

    A cell may hold the bytes of an image file, a struct ``{bytes, path}`` as hubs write it, a list
    of these, or several names such as ``a.jpg;b.jpg``.

    Args:
        column: of a table as ``open_table`` gives it.
        texts: reads the cells that are texts.

    Returns:
        One of these for each row: a name (empty where there is none), a path that a program gave,
        a ``PackedImage``, or a tuple of several.
    """
    held: dict[int, Any] = {}
    cells = [] if column.dtype == "str" else column.tolist()
    for row, cell in enumerate(cells):
        images = _held(cell, f"column {column.name!r} of row {row + 2}")
        if images is not None:
            held[row] = images[0] if len(images) == 1 else images or ""
            cells[row] = None
    found = texts(column if not held else column._constructor(cells, name=column.name))
    for row, name in enumerate(found.tolist()):
        if isinstance(name, str) and len(names := _BETWEEN.split(name)) > 1:
            several = [one for one in names if one]
            if all(map(ends_as_image, several)):
                found[row] = tuple(several)
    for row, images in held.items():
        found[row] = images
    return found


def _held(cell: object, name: str) -> tuple[object, ...] | None:
    """Images and names of a cell that is no text; None of a text, or what holds no images."""
    if isinstance(cell, PackedImage):
        return (cell,)
    if isinstance(cell, bytes | bytearray | memoryview):
        return (CellImage(name, bytes(cell)),) if len(cell) else ()
    if isinstance(cell, dict) and {*cell} <= {"bytes", "path"}:
        inside = cell.get("bytes")
        if inside is None:
            return (cell["path"],) if cell.get("path") else ()
        return (CellImage(name, bytes(inside)),)
    if isinstance(cell, list | tuple | np.ndarray):
        return _several(list(cell), name)
    return None


def _several(cells: list[object], name: str) -> tuple[object, ...] | None:
    """The same of a list, in which an empty name keeps its place; another list is refused."""
    found = list[Any]()
    for index, cell in enumerate(cells):
        if isinstance(cell, str | Path):
            found.append(cell)
            continue
        inside = _held(cell, f"image {index + 1} in {name}")
        if inside is None and cell is not None:
            return None
        found.extend(inside or ())
    return tuple(found)


def each_of(cell: object) -> Iterator[Any]:
    """The images of a cell, one after the other."""
    yield from cell if isinstance(cell, tuple) else (cell,)


def images_in(columns: "Sequence[Cells]", row: int) -> tuple[Path | PackedImage | None, ...]:
    """The images of a row in their places; None where a cell holds none."""
    return tuple(image or None for one in columns for image in each_of(one[row]))
