"""Labels of a case that stand in one cell: its class, or several as in ``Edema|Effusion``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmx.blocks import check_single, check_spelling, split_labels
from mmx.errors import DataError
from mmx.interfaces import Labels

if TYPE_CHECKING:
    from mmx.data.cells import Cells

_SHOWN = 8  # names in a refusal


def single_labels(cells: "Cells", rule: Labels, classes: Sequence[str] | None = None) -> "Cells":
    """The class of each row; empty where its cell is.

    Args:
        cells: texts.
        rule: which class they mean.
        classes: that are stated; None: those that the cells name.

    Raises:
        DataError: cells that name several classes, or one class in two spellings.
    """
    read = {cell: rule.read(cell) for cell in dict.fromkeys(cells.tolist())}
    labels = [read[cell] for cell in cells.tolist()]
    if classes is None:
        if rule.several == "refuse":
            check_single([cell for cell in cells.tolist() if cell not in rule.map])
        check_spelling(labels)
    return np.array(labels, dtype=object)


def labels_of_cells(
    cells: "Cells", rule: Labels, classes: Sequence[str] | None = None
) -> "dict[str, Cells]":
    """Label -> 1 where a cell names it, 0 where it names others, blank where the cell is empty.

    Args:
        cells: texts.
        rule: sign between labels, their classes, and those that stand for none.
        classes: that are stated; None: those that the cells name, sorted.

    Raises:
        DataError: a cell names a label that is neither stated nor one of ``none``, or two labels
            differ in their spelling alone.
    """
    different = dict.fromkeys(cells.tolist())
    parts = {cell: _parts(cell, rule) for cell in different}
    told = Counter(name for cell in cells.tolist() for name in parts[cell])
    strange = [name for name in told if classes is not None and name not in classes]
    if strange:
        raise DataError(
            f"cells of labels name {_listed(strange)}, which are none of the classes; name them in "
            "classes or in labels.none, or say what they are in labels.map"
        )
    names = tuple(classes) if classes is not None else tuple(sorted(told))
    if classes is None:
        check_spelling(list(names))
    places = {cell: place for place, cell in enumerate(different)}
    rows = np.fromiter((places[cell] for cell in cells.tolist()), np.int64, len(cells))
    return {name: _marks(name, parts)[rows] for name in names}


def unread_names(column: str, cells: "Cells", rule: Labels) -> tuple[str, ...]:
    """What is said of names in ``labels.map`` that no cell has; nothing where all cells are blank.

    Args:
        column: of the labels.
        cells: its texts; empty where one is missing.
        rule: which class they mean.
    """
    written = [cell for cell in dict.fromkeys(cells.tolist()) if cell]
    if not rule.map or not written:
        return ()
    held = {piece for cell in written for piece in _pieces(cell, rule)}
    unread = [name for name in rule.map if name not in held]
    if not unread:
        return ()
    return (
        f"labels.map names {_listed(unread)}, which no cell of column {column!r} holds; its cells "
        f"hold {_listed(sorted(held))}",
    )


def _pieces(cell: str, rule: Labels) -> list[str]:
    """What of a cell is looked up in the map."""
    if rule.several == "each":
        return split_labels(cell, rule.separator)
    return [cell.split(rule.separator)[0].strip() if rule.several == "first" else cell]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more


def _marks(name: str, parts: Mapping[str, frozenset[str]]) -> "Cells":
    """Of each different cell, whether it names a label; blank for the empty one."""
    marks = [("1" if name in own else "0") if cell else "" for cell, own in parts.items()]
    return np.array(marks, dtype=object)


def _parts(cell: str, rule: Labels) -> frozenset[str]:
    """The labels of a cell, by their classes."""
    pieces = split_labels(cell, rule.separator)
    named = {rule.map.get(one, one) for one in pieces if one and one not in rule.none}
    return frozenset(named - {*rule.none})
