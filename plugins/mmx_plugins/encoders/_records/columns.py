"""What is known of the columns of a table: statistics of the training rows, and nothing else."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict

from mmx.interfaces import Record, Value
from mmx_plugins.encoders._records.dates import Cycle, days_since, turn


class _ClosedModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Origin(_ClosedModel):
    """Where a column takes its values from.

    Attributes:
        how: the field as it is; days since another field; or the sine or cosine of a date's place
            in its year or week.
        fields: of the record; two for ``days``.
    """

    how: Literal["field", "days", "month sin", "month cos", "weekday sin", "weekday cos"]
    fields: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the column, by which columns are sorted."""
        if self.how == "field":
            return self.fields[0]
        return " since ".join(self.fields) if self.how == "days" else f"{self.fields[0]} {self.how}"

    def read_all(self, records: Sequence[Record]) -> list[Value]:
        """The value in each record; None where it is missing."""
        if self.how == "field":  # a table of 300,000 rows is read so, cell by cell
            name = self.fields[0]
            return [record.get(name) for record in records]
        return [self.read(record) for record in records]

    def read(self, record: Record) -> Value:
        """The value in one record; None where it is missing."""
        first = record.get(self.fields[0])
        if self.how == "field":
            return first
        if self.how == "days":
            return days_since(first, record.get(self.fields[1]))
        cycle, wave = self.how.split()
        angle = turn(first, cast(Cycle, cycle))
        return None if angle is None else (math.sin if wave == "sin" else math.cos)(angle)


class Scale(_ClosedModel):
    """How a number becomes u, after it is clipped to the range of the training rows.

    Attributes:
        mean: of the known training values.
        sd: their standard deviation (of all of them, not of a sample).
        low: smallest of them.
        high: largest of them.
        quantiles: of them, at equal steps from 0 to 1; empty: u = (x - mean) / sd. Else u is the
            quantile of a normal distribution at the same share.
    """

    mean: float
    sd: float
    low: float
    high: float
    quantiles: tuple[float, ...] = ()


class Number(_ClosedModel):
    """A column of numbers.

    Attributes:
        origin: where its values come from.
        missing: share of the training rows that have none.
        scale: from x to u.
        edges: different quantiles of u in the training rows, rising; two or more.
    """

    kind: Literal["number"] = "number"
    origin: Origin
    missing: float
    scale: Scale
    edges: tuple[float, ...]


class Category(_ClosedModel):
    """A column of categories.

    Attributes:
        origin: where its values come from.
        missing: share of the training rows that have none.
        values: common ones, sorted; any other value is ``other`` and comes behind them.
        mode: index of the most frequent value, by which ``impute`` fills.
        other_seen: some training rows hold a rare value, so that ``other`` is trained.
    """

    kind: Literal["category"] = "category"
    origin: Origin
    missing: float
    values: tuple[str, ...]
    mode: int
    other_seen: bool


Column = Number | Category


class FittedTable(_ClosedModel):
    """All columns that an encoder reads, and why it reads no others.

    Attributes:
        rows: how many training rows were looked at.
        columns: sorted by name.
        left_out: field -> why it is not read.
        notes: what else a reader should know.
    """

    rows: int
    columns: tuple[Column, ...]
    left_out: Mapping[str, str] = {}
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, sorted."""
        return tuple(column.origin.name for column in self.columns)
