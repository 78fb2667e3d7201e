"""Images of the rows of a case: in order, and each in the place that its view has."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmx.data.cells import Faults
from mmx.data.image_cells import each_of
from mmx.interfaces import Layout, LongTable, RowNumbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmx.data.cells import Cells

Rank = tuple[bool, float, str]
"""Where a row stands among those of its case: numbers by size, then words."""


@dataclass(frozen=True, slots=True)
class ImageColumn:
    """A column of gathered rows.

    Attributes:
        source: column of images of the long table.
        name: of the gathered column.
        views: of the rows that it takes; None: all.
        single: a case has one such row at most, for the column is a place.
    """

    source: str
    name: str
    views: frozenset[str] | None = None
    single: bool = False


def image_columns(long: LongTable, layout: Layout) -> Iterator[ImageColumn]:
    """The gathered columns that a layout reads."""
    for modality, names in long.of(layout.images).items():
        for source in names:
            if long.kinds:
                for kind in layout.images:
                    views = frozenset(long.kinds[kind])
                    yield ImageColumn(source, f"{source}: {kind}", views)
            elif long.places and modality in layout.images:
                for view in long.places:
                    yield ImageColumn(source, f"{source}: {view}", frozenset([view]), single=True)
            else:
                yield ImageColumn(source, source)


class CaseOrder:
    """The rows of a table, those of a case together and in order.

    Attributes:
        rows: [n], places in the table.
    """

    def __init__(
        self, codes: "NDArray[np.int64]", cells: "Cells | None", numbers: RowNumbers
    ) -> None:
        """Sort.

        Args:
            codes: [n], the case of each row.
            cells: [n], texts that sort the rows of a case, numbers by size; None: as they stand.
            numbers: of the rows, for messages.
        """
        self.numbers = numbers
        self.codes = codes.tolist()
        self._ranks = None if cells is None else [_rank(cell) for cell in cells.tolist()]
        places = np.argsort(codes, kind="stable").tolist()
        ranks = self._ranks
        if ranks is not None:
            places.sort(key=lambda row: (self.codes[row], ranks[row]))
        self.rows: list[int] = places

    def unclear(self, row: int, before: int) -> str:
        """Why two neighbours of a case have no order; empty where they have."""
        if self._ranks is None or self._ranks[row] != self._ranks[before]:
            return ""
        said = self._ranks[row][2]
        return f"have the same place {said!r} in order" if said else "have no place in order"


def _rank(cell: str) -> Rank:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    return (False, number, cell) if math.isfinite(number) else (True, 0.0, cell)


def gathered_images(
    column: ImageColumn, cells: "Cells", views: "Cells | None", order: CaseOrder, faults: Faults
) -> Sequence[object]:
    """The images of each case; a blank cell keeps its place among several.

    Args:
        column: says which rows.
        cells: [n], images of each row as ``image_cells`` gives them.
        views: [n], of each row, where the table tells them.
        order: of the rows.
        faults: case -> why it cannot be used; those found here are added.

    Returns:
        One for each case: an image, a tuple of several, or nothing.
    """
    found: list[list[object]] = [[] for _ in range(max(order.codes, default=-1) + 1)]
    last: dict[int, int] = {}
    for row in order.rows:
        if column.views is not None and views is not None and views[row] not in column.views:
            continue
        case = order.codes[row]
        before = last.setdefault(case, row)
        if before != row:
            why = order.unclear(row, before)
            if column.single:
                why = f"both show {views[row]!r}, which is one place" if views is not None else why
            if why:
                both = f"rows {order.numbers.of(before)} and {order.numbers.of(row)}"
                faults.setdefault(case, f"{both} {why}")
        last[case] = row
        found[case].extend(each_of(cells[row]))
    return [_cell(images) for images in found]


def _cell(images: list[object]) -> object:
    if not any(image != "" for image in images):
        return ""
    return images[0] if len(images) == 1 else tuple(images)
