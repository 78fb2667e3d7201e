"""Which columns are facts that a doctor would know before the diagnosis."""

from collections.abc import Sequence

from mmx.spec import column_cells as cells_of
from mmx.spec import column_names as names_of


def unfit(name: str, cells: Sequence[str], labels: Sequence[str]) -> str | None:
    """Why a column is no fact that a doctor would know before the diagnosis; None when it is."""
    filled = cells_of.known(cells)
    distinct = {*filled}
    if names_of.counts_rows(name) or cells_of.count_rows(cells):
        return "it counts the rows"
    if names_of.says(name, names_of.TELLING):
        return "its name speaks of the diagnosis"
    if names_of.says(name, names_of.AFTER):
        return "it is known only after the diagnosis"
    if names_of.says(name, names_of.PERSONAL):
        return "it names a person"
    if len(distinct) < 2:
        return "it says the same in every row"
    if cells_of.are_dates(cells):
        return "dates are no facts that a text can use"
    if names_of.says(name, names_of.IDS) and len(distinct) > max(len(filled) / 10, 2):
        return "its name is that of an id"
    if cells_of.goes_with_one(cells, labels):
        return "each of its values goes with one label only"
    if cells_of.look_like_ids(cells):
        return "its values look like ids"
    if not cells_of.are_numbers(cells) and len(distinct) > max(len(filled) / 5, 2):
        return "nearly every row has a value of its own, as an id has"
    return None
