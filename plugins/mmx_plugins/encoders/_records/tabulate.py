"""Records as tensors, by what was fitted."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from mmx.interfaces import Record, Records, Value
from mmx_plugins.encoders._records.cells import number, word
from mmx_plugins.encoders._records.columns import Category, FittedTable, Number
from mmx_plugins.encoders._records.scaling import scaled

if TYPE_CHECKING:
    from numpy.typing import NDArray


def tabulate(records: Sequence[Record], table: FittedTable) -> Records:
    """One place for each column, in the order of their names.

    A value that training did not see, or rarely, is the index behind the last common one. A cell of
    a column of numbers that holds something else is missing.
    """
    shape = (len(records), len(table.columns))
    values, indices = np.zeros(shape), np.full(shape, -1, dtype=np.int64)
    known = np.zeros(shape, dtype=np.bool_)
    for k, column in enumerate(table.columns):
        if isinstance(column, Number):
            found = _numbers(records, column)
            known[:, k] = ~np.isnan(found)
            values[:, k] = np.where(known[:, k], found, 0)
        else:
            indices[:, k] = _codes(records, column)
            known[:, k] = indices[:, k] >= 0
    return Records(
        torch.from_numpy(values.astype(np.float32)),
        torch.from_numpy(indices.clip(min=0)),
        torch.from_numpy(known),
    )


def _numbers(records: Sequence[Record], column: Number) -> "NDArray[np.float64]":
    """u [B]; NaN where it is missing."""
    return scaled(_floats(column.origin.read_all(records)), column.scale)


def _floats(cells: Sequence[Value]) -> "NDArray[np.float64]":
    """[B], what ``number`` says of each cell; NaN where it says None."""
    try:
        found = np.array(cells, dtype=object).astype(np.float64)  # all at once, None as NaN
    except ValueError:  # a word among them
        found = np.array([number(one) for one in cells], dtype=np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def _codes(records: Sequence[Record], column: Category) -> "NDArray[np.int64]":
    """Index of each value [B]; -1 where it is missing."""
    index = {value: place for place, value in enumerate(column.values)}
    cells = [(type(one), one) for one in column.origin.read_all(records)]  # 1 is no True
    found = {cell: _code(word(cell[1]), index) for cell in dict.fromkeys(cells)}
    return np.array([found[cell] for cell in cells], dtype=np.int64)


def _code(name: str | None, index: Mapping[str, int]) -> int:
    return -1 if name is None else index.get(name, len(index))
