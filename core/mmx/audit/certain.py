"""Values of a column that go with one class only, or never with a class that should be there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

from mmx.audit.finding import Evidence
from mmx.audit.probe_columns import Column
from mmx.audit.subject import Subject
from mmx.audit.traces import LEAST, SURE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_PURE = 0.9


@dataclass(frozen=True, slots=True)
class CertainValue:
    """A value that all but settles a class.

    Attributes:
        value: as the column names it.
        groups: that have it.
        label: place of the class.
        share: of the groups with the value that are of the class; 0 where it never is.
    """

    value: str
    groups: int
    label: int
    share: float

    def words(self, subject: Subject) -> str:
        """``missing: 100 % are nv``, or ``missing: never nv``."""
        name = subject.classes[self.label]
        return f"{self.value}: " + (
            f"{self.share:.0%} are {name}" if self.share else f"never {name}"
        )

    def evidence(self, subject: Subject) -> Evidence:
        """One line of the table of a finding."""
        tells = self.words(subject).removeprefix(f"{self.value}: ")
        return {"value": self.value, subject.many: self.groups, "tells": tells}


def certain(subject: Subject, one: Column) -> list[CertainValue]:
    """Pure and missing pairs of value and class that chance explains in fewer than 1 of 1,000.

    The rows of a group that have one class count once, with the code of most of them; the
    hypergeometric tails are multiplied by twice the number of pairs, and by the number of labels.
    """
    codes, truth = _most_common(subject, one), subject.unit_labels
    table = np.zeros((len(one.names), len(subject.classes)))
    np.add.at(table, (codes, truth), 1)
    found = _found(one, table, subject.family)
    return sorted(found, key=lambda value: (value.share == 0, -value.groups))


def _found(one: Column, table: "Floats", family: int) -> Iterator[CertainValue]:
    rows = table.sum(axis=1)
    columns = table.sum(axis=0)
    total = table.sum()
    pairs = 2 * int((rows > 0).sum()) * int((columns > 0).sum()) * family
    for value in np.flatnonzero(rows >= LEAST).tolist():
        for label in np.flatnonzero(columns).tolist():
            share = table[value, label] / rows[value]
            least = int(table[value, label])
            if share >= _PURE and least < total:
                chance = _at_least(least, total, columns[label], rows[value])
            elif share == 0 and len(columns) > 2:  # of two classes, never one is always the other
                chance = _at_most_none(total, columns[label], rows[value])
            else:
                continue
            if pairs * chance <= SURE:
                yield CertainValue(one.names[value], int(rows[value]), label, float(share))


def _most_common(subject: Subject, one: Column) -> "NDArray[np.int64]":
    """[units], the code that most rows of each have."""
    units = len(subject.unit_labels)
    pairs, counts = np.unique(subject.unit * len(one.names) + one.codes, return_counts=True)
    order = np.argsort(counts, kind="stable")  # the most frequent is written last
    found = np.zeros(units, dtype=np.int64)
    found[pairs[order] // len(one.names)] = pairs[order] % len(one.names)
    return found


def _at_least(hits: int, total: float, marked: float, drawn: float) -> float:
    """P(X >= hits) of the hypergeometric distribution."""
    most = int(min(marked, drawn))
    return float(np.exp(_log_mass(np.arange(hits, most + 1.0), total, marked, drawn)).sum())


def _at_most_none(total: float, marked: float, drawn: float) -> float:
    if drawn > total - marked:
        return 0.0
    return float(np.exp(_log_mass(np.zeros(1), total, marked, drawn))[0])


def _log_mass(hits: "Floats", total: float, marked: float, drawn: float) -> "Floats":
    """Logarithm of P(X = hits): ``drawn`` of ``total`` are taken, ``marked`` of them count."""

    def choose(n: "float | Floats", k: "float | Floats") -> "Floats":
        return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))

    return choose(marked, hits) + choose(total - marked, drawn - hits) - choose(total, drawn)
