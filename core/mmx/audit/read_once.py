"""Columns that are read once for many labels: files are opened, and records gathered, only then."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mmx.interfaces import Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]
    Read = Callable[[Rows], Mapping[str, Sequence[Value]]]


class ReadOnce:
    """Columns of some rows, kept from the first question on.

    Args:
        read: from rows to columns by name.
        rows: which rows are kept, in order; others are read anew each time.
    """

    def __init__(self, read: "Read", rows: "Callable[[], Rows]") -> None:
        self._read, self._rows = read, rows

    @cached_property
    def _kept(self) -> "tuple[Rows, Mapping[str, Sequence[Value]]]":
        rows = self._rows()
        return rows, self._read(rows)

    def __call__(self, rows: "Rows") -> Mapping[str, Sequence[Value]]:
        """The columns of these rows."""
        kept, columns = self._kept
        if not np.isin(rows, kept).all():
            return self._read(rows)
        indices = np.searchsorted(kept, rows).tolist()
        return {name: [values[index] for index in indices] for name, values in columns.items()}
