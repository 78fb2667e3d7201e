"""What is read, and worked out of it, once for many labels."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from mmx.interfaces import Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]
    Read = Callable[[Rows], Mapping[str, Sequence[Value]]]

Found = TypeVar("Found")


class ReadOnce:
    """Columns of some rows, kept from the first question on: files are opened only then.

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
        """The columns of these rows; for all kept ones always the same lists."""
        kept, columns = self._kept
        if np.array_equal(rows, kept):
            return columns
        if not np.isin(rows, kept).all():
            return self._read(rows)
        indices = np.searchsorted(kept, rows).tolist()
        return {name: [values[index] for index in indices] for name, values in columns.items()}


class Derivations:
    """What follows from columns alone, kept as long as the same ones are asked about.

    Labels whose rows are the same have the same columns, and most of what a check needs of these
    does not depend on the label.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, object]] = {}

    def of(self, what: str, source: object, work: Callable[[], Found]) -> Found:
        """What ``work`` gives, or gave when ``what`` was asked about this very source.

        Args:
            what: is worked out.
            source: all that decides it; nobody changes it.
            work: works it out.
        """
        known = self._known.get(what)
        if known is None or known[0] is not source:
            known = self._known[what] = source, work()
        return cast("Found", known[1])
