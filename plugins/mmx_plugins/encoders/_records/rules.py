"""By which rules columns are read: the part of the settings that ``fit`` needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from mmx_plugins.encoders._records.dates import Cycle, Order

Kind = Literal["number", "category"]


@dataclass(frozen=True, slots=True)
class Rules:
    """How to read a table.

    Attributes:
        columns: fields to read; None: all that are not excluded.
        kinds: field -> what it is, where its cells do not say it.
        missing_codes: field -> values that mean missing, such as -9.
        dates: date -> whether the day or the month stands first in 03/04/2021.
        since: date -> date from which days are counted.
        cyclic: date -> cycle whose sine and cosine are read.
        min_count: training rows that a category needs, to be more than ``other``.
        bins: of the piecewise linear encoding, at most.
        quantile: scale to normal quantiles instead of mean and standard deviation.
    """

    columns: tuple[str, ...] | None = None
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    missing_codes: Mapping[str, tuple[str | float, ...]] = field(default_factory=dict)
    dates: Mapping[str, Order] = field(default_factory=dict)
    since: Mapping[str, str] = field(default_factory=dict)
    cyclic: Mapping[str, Cycle] = field(default_factory=dict)
    min_count: int = 5
    bins: int = 16
    quantile: bool = False

    def places(self, name: str) -> list[tuple[str | int, ...]]:
        """Keys of the settings that name a field."""
        found: list[tuple[str | int, ...]] = []
        found += [("columns", k) for k, one in enumerate(self.columns or ()) if one == name]
        by_field = {
            "kinds": self.kinds, "missing_codes": self.missing_codes, "dates": self.dates,
            "since": self.since, "cyclic": self.cyclic,
        }  # fmt: skip
        found += [(key, name) for key, fields in by_field.items() if name in fields]
        return found + [("since", later) for later, one in self.since.items() if one == name]

    @property
    def named(self) -> frozenset[str]:
        """Every field that the settings name."""
        by_field = (self.kinds, self.missing_codes, self.dates, self.since, self.cyclic)
        return frozenset([*(self.columns or ()), *self.since.values(), *chain(*by_field)])
