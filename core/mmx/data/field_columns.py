"""The records of many rows by field, without a sample for each row where that can be had."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from mmx.interfaces import Sample, Value


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
