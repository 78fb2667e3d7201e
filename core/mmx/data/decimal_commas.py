"""Numbers with a decimal comma, as in ``2,5``, where nothing speaks against it."""

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Cells = NDArray[np.object_]

_COMMA = re.compile(r"[-+]?\d+,\d+")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")  # 1,250 may be either


def with_points(cells: "Cells") -> "Cells":
    """Cells of a column with decimal points where all commas are decimal ones, as in ``2,5``."""
    commas = [cell for cell in cells.tolist() if "," in cell]
    decimal = all(map(_COMMA.fullmatch, commas)) and not all(map(_THOUSANDS.fullmatch, commas))
    if not decimal:
        return cells
    return np.array([cell.replace(",", ".") for cell in cells.tolist()], dtype=object)


def with_point(cell: str) -> str:
    """A cell by itself, with a decimal point where its comma can be nothing else."""
    decimal = _COMMA.fullmatch(cell) and not _THOUSANDS.fullmatch(cell)
    return cell.replace(",", ".") if decimal else cell


def comma_notes(name: str, cells: "Cells", values: "Cells") -> tuple[str, ...]:
    """What is said of a column whose commas are read as decimal points."""
    pairs = zip(cells.tolist(), values.tolist(), strict=True)
    first = next((cell for cell, value in pairs if isinstance(value, float) and "," in cell), "")
    told = f"column {name!r}: a comma is read as the decimal point, as in {first!r}"
    return (told,) if first else ()
