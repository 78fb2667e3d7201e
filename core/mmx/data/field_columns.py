"""Many rows by column: records by field, and whether a row has anything at all."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from mmx.interfaces import Sample, Value

if TYPE_CHECKING:
    from mmx.data.cells import Cells, Faults


@runtime_checkable
class RecordColumns(Protocol):
    """Rows whose records lie in columns, such as those of a table."""

    def record_columns(self, rows: Sequence[int]) -> Mapping[str, Sequence[Value]]:
        """Field -> its value in each of these rows."""
        ...


def record_columns(samples: Sequence[Sample], rows: Sequence[int]) -> dict[str, list[Value]]:
    """Field -> its value in each of these rows; None where a row lacks the field.

    Args:
        samples: all rows.
        rows: places among them.
    """
    if isinstance(samples, RecordColumns):
        return {name: list(values) for name, values in samples.record_columns(rows).items()}
    columns: dict[str, list[Value]] = {}
    for index, row in enumerate(rows):
        for name, value in samples[row].record.items():
            if name not in columns:
                columns[name] = [None] * len(rows)
            columns[name][index] = value
    return columns


def rows_without_content(
    paths: "Mapping[str, Cells]", record: "Mapping[str, Cells]", rows: int
) -> "Faults":
    """Rows in which no column has anything to see.

    Args:
        paths: column -> paths of files; empty where there is none.
        record: field -> its values.
        rows: of the table.
    """
    seen = [values != "" for values in paths.values()]
    for values in record.values():
        seen.append(np.array([value is not None for value in values], dtype=bool))
    nothing = np.flatnonzero(~np.any(seen, axis=0)) if seen else np.arange(rows)
    return dict.fromkeys(nothing.tolist(), "has neither an image nor a text")
