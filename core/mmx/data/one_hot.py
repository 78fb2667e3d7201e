"""Labels that stand in one column a class: exactly one of them is 1."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmx.data.cells import Faults

if TYPE_CHECKING:
    from mmx.data.cells import Cells


def one_hot_labels(names: Sequence[str], columns: "Sequence[Cells]") -> "tuple[Cells, Faults]":
    """The class of each row, and the rows in which more or less than a single 1 stands.

    Args:
        names: of the columns, and so of the classes.
        columns: texts of each; an empty cell is 0.

    Returns:
        The name of the column that holds 1; empty where all are 0, which is no label.
    """
    labels, faults = np.full(len(columns[0]), "", dtype=object), Faults()
    for row, cells in enumerate(zip(*columns, strict=True)):
        strange = [cell for cell in cells if cell and _value(cell) is None]
        ones = [name for name, cell in zip(names, cells, strict=True) if _value(cell) == 1]
        if strange:
            faults[row] = f"a column of a class holds {strange[0]!r}, which is neither 0 nor 1"
        elif len(ones) > 1:
            told = " and ".join(map(repr, ones))
            faults[row] = (
                f"columns {told} are all 1, and labels.columns means exactly one; to learn several "
                "labels per case: task: multi_label and data.dataset.labels: [COLUMN, COLUMN]"
            )
        elif ones:
            labels[row] = ones[0]
    return labels, faults


def _value(cell: str) -> int | None:
    """0 or 1; None for anything else."""
    try:
        number = float(cell or 0)
    except ValueError:
        return None
    return int(number) if number in (0, 1) else None
