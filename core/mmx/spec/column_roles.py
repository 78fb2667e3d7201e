"""Which column of a user's table holds what, guessed by name and content, with the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mmx.blocks import ends_as_image, read_cells, with_written_lists
from mmx.errors import DataError
from mmx.plugins import nearest
from mmx.spec.column_cases import NO_CASE
from mmx.spec.column_cells import holds_images
from mmx.spec.column_found import Columns
from mmx.spec.column_guess import Guess

if TYPE_CHECKING:
    import pandas

__all__ = ["Columns", "cells_as_texts", "guess_columns"]

_NESTED = "its cells hold lists, structs or bytes, which are no facts that a text can use"


def guess_columns(
    table: "pandas.DataFrame",
    folder: Path,
    *,
    given: Mapping[str, str] | None = None,
    task: str | None = None,
) -> Columns:
    """Guess the columns of a table.

    Args:
        table: as ``read_table`` gives it.
        folder: where the table lies; image files are looked for in it and just below.
        given: what the user says: ``image``, ``text``, ``label``, ``group`` or ``case`` -> column;
            ``none`` where each row is a case.
        task: ``single_label``, ``multi_label`` or ``ordinal``, as the user says it; None: as the
            labels speak.

    Raises:
        DataError: a given column does not exist, nothing looks like a label, the task does not fit
            the labels, or a cell holds more than a word.
    """
    given = given or {}
    names = [str(name) for name in table.columns]
    _check_names(names)
    _check_given(given, names)
    held = {str(name): holds_images(table[name].tolist()) for name in table.columns}
    images = [name for name in names if held[name]]
    named = [name for role, name in given.items() if role != "image" and name in names]
    values = cells_as_texts(table, [name for name in names if not held[name]], named)
    values |= {name: [""] * len(table) for name in images}
    nested = [name for name in names if name not in values]
    in_order = {name: values[name] for name in names if name in values}
    found = Guess(in_order, folder, given, images, task).columns()
    return replace(found, left_out={**found.left_out, **dict.fromkeys(nested, _NESTED)})


def cells_as_texts(
    table: "pandas.DataFrame", names: Sequence[str], needed: Sequence[str] = ()
) -> dict[str, list[str]]:
    """The cells of columns as texts, lists of texts as they would be written.

    Columns whose cells are structs, bytes or lists of something else are left out.

    Args:
        table: as ``read_table`` gives it.
        names: of the columns.
        needed: columns that somebody names.

    Raises:
        DataError: one of those that are needed holds such cells.
    """
    found = {}
    for name in names:
        try:
            found[name] = read_cells(with_written_lists(table[name])).texts.tolist()
        except DataError:
            if name in needed:
                raise
    return found


def _check_names(names: Sequence[str]) -> None:
    """Refuse a first line that is a row already."""
    row = [name for name in names if ends_as_image(name)]
    if row:
        letters = ",".join("abcdefgh"[: len(names)])
        raise DataError(
            f"the first line names no columns: it holds {row[0]!r}, which is a file. Say their "
            f"names, in order: mmx init --columns {letters} (such as split,image,label), which "
            "writes data.dataset.reader: {type: csv, columns: [...]}"
        )


def _check_given(given: Mapping[str, str], names: Sequence[str]) -> None:
    for role, name in given.items():
        if name not in names and (role, name) != ("case", NO_CASE):
            close = nearest(name, names)
            hint = f"nearest: {close}" if close else f"there are: {', '.join(names)}"
            raise DataError(f"there is no column {name!r} for the {role}; {hint}")
