"""Records as tensors, by what was fitted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from mmx.interfaces import Record, Records
from mmx_plugins.encoders.tabular.cells import number, word
from mmx_plugins.encoders.tabular.columns import Category, FittedTable, Number
from mmx_plugins.encoders.tabular.scaling import scaled

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
    read = [number(column.origin.read(record)) for record in records]
    return scaled(np.array([np.nan if one is None else one for one in read]), column.scale)


def _codes(records: Sequence[Record], column: Category) -> list[int]:
    """Index of each value [B]; -1 where it is missing."""
    index = {value: place for place, value in enumerate(column.values)}
    found = [word(column.origin.read(record)) for record in records]
    return [-1 if one is None else index.get(one, len(index)) for one in found]
