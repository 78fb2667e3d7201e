"""Columns of numbers of which a few cells are words, such as a row of units or ``>80``."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from mmx.data.decimal_commas import comma_notes, with_point
from mmx.interfaces import FieldKind

if TYPE_CHECKING:
    from mmx.data.cells import Cells

_MOSTLY = 0.8  # share of the filled cells that are numbers
_SHOWN = 3  # words named in a sentence


def number_notes(
    name: str,
    cells: "Cells",
    kind: FieldKind | None,
    values: "Cells",
    place: Callable[[int], str],
) -> tuple[str, ...]:
    """What a user must know of how a column of numbers was read.

    Args:
        name: of the column.
        cells: its texts; empty where one is missing.
        kind: as it was stated; None: the cells decided.
        values: that were read.
        place: where a reader of the table finds a row, such as ``row 7``.
    """
    words = _words(name, cells, place) if kind is None else ()
    return (*comma_notes(name, cells, values), *words)


def _words(name: str, cells: "Cells", place: Callable[[int], str]) -> tuple[str, ...]:
    """That it is read as words, though nearly all of its cells are numbers."""
    filled = Counter(cells[cells != ""].tolist())
    words = [cell for cell in filled if not _is_number(cell)]
    count, known = sum(filled[word] for word in words), filled.total()
    if not words or count > (1 - _MOSTLY) * known:
        return ()
    listed = cells.tolist()
    told = [f"{word!r} in {place(listed.index(word))}" for word in words[:_SHOWN]]
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return (
        f"column {name!r} is read as words, for {count} of its {known} cells "
        f"{'is no number' if count == 1 else 'are no numbers'}: {', '.join(told)}{more}; mend "
        "them, or list them in data.dataset.missing where nothing is known",
    )


def _is_number(cell: str) -> bool:
    try:
        float(with_point(cell))
    except ValueError:
        return False
    return True
