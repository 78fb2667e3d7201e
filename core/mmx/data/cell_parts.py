"""The part of a cell that names its group or case, as the patient in the path of a picture."""

import re
from typing import TYPE_CHECKING

import numpy as np

from mmx.data.cells import Faults

if TYPE_CHECKING:
    from mmx.data.cells import Cells


def parts_of_cells(
    cells: "Cells", column: str, pattern: str, what: str = "group"
) -> "tuple[Cells, Faults]":
    """What a pattern finds first in each cell.

    Args:
        cells: texts; a blank one stays blank.
        column: their name in the table.
        pattern: a regular expression; empty: all of a cell.
        what: a part is: group or case.

    Returns:
        The parts, and row -> why it has none.
    """
    if not pattern:
        return cells, Faults()
    search = re.compile(pattern).search
    found = {cell: one[0] for cell in dict.fromkeys(cells.tolist()) if (one := search(cell))}
    faults = Faults()
    for row, cell in enumerate(cells.tolist()):
        if cell and cell not in found:
            faults[row] = f"column {column!r}: {what}_pattern finds no {what} in {cell[:80]!r}"
    parts = [found.get(cell, "") for cell in cells.tolist()]
    return np.array(parts, dtype=object), faults
