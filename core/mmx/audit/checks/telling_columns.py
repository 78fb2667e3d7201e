"""Columns from which the label can be told one by one, such as how a diagnosis was made.

A field of the record is telling when a probe on it alone gets half-way from chance to perfection,
or when one of its values, in at least 5 % of the samples, goes with one class only, or never with
classes that are a tenth of all samples. What should tell nothing at all (file size, image size, row
order, what is missing) is telling a quarter of the way.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from mmx.audit import probe
from mmx.audit.check import Check
from mmx.audit.columns import Column, column, is_text, missingness
from mmx.audit.finding import Evidence, Finding
from mmx.audit.subject import Subject
from mmx.plugins import hookimpl

_ID = "telling_columns"
_RECORD, _TECHNICAL = 0.5, 0.25  # of the way from chance to perfection
_SHARE, _PURE, _EXPECTED = 0.05, 0.99, 20
_MASS = 0.10  # of the samples, in classes that a value rules out


def find(subject: Subject) -> list[Finding]:
    """One warning for each telling column; a note when narratives never see it."""
    if not len(subject.probed):
        return []
    found: list[Finding] = []
    for name, values in subject.fields.items():
        if not is_text(subject, values):
            found += _judged(subject, column(name, values), _RECORD)
    technical = {**subject.technical(subject.probed), **missingness(subject.fields)}
    for name, values in technical.items():
        found += _judged(subject, column(name, values), _TECHNICAL)
    return found


def _judged(subject: Subject, one: Column, limit: float) -> Iterator[Finding]:
    if len(set(one.codes.tolist())) < 2:
        return
    predicted = probe.frequent(subject, one.codes)
    chance = 1 / len(np.unique(subject.labels[subject.probed]))
    reach = (probe.quick(subject, predicted) - chance) / (1 - chance)
    evidence = tuple(_certain(subject, one)) if one.numbers is None else ()
    if reach <= limit and not evidence:
        return
    hidden = one.name in subject.leak_columns
    told = probe.score(subject, predicted, f"one column: {one.name}")
    if told.low <= chance:  # few groups: a score that may be luck
        return
    what = "; ".join(f"{line['value']}: {line['tells']}" for line in evidence[:3])
    advice = (
        "narratives never see it, as the data set says"
        if hidden
        else "if it is known only after the diagnosis, name it in leak_columns or leave it out"
        if limit == _RECORD
        else "find out why; the images or texts may carry the same trace"
    )
    words = f"{one.name!r} tells the label: balanced accuracy {told}"
    message = f"{words}{f' ({what})' if what else ''}; {advice}"
    yield Finding(_ID, "note" if hidden else "warning", message, evidence, score=told)


def _certain(subject: Subject, one: Column) -> Iterator[Evidence]:
    """Values that go with one class only, or never with a class that should be there."""
    truth, classes = subject.labels[subject.probed], len(subject.classes)
    table = np.zeros((len(one.names), classes))
    np.add.at(table, (one.codes, truth), 1)
    base, rows = table.sum(axis=0) / len(truth), table.sum(axis=1)
    for value in np.flatnonzero(rows >= _SHARE * len(truth)).tolist():
        shares = table[value] / rows[value]
        top = int(shares.argmax())
        never = np.flatnonzero((table[value] == 0) & (base * rows[value] >= _EXPECTED))
        never = never if base[never].sum() >= _MASS else never[:0]
        line: dict[str, str | float] = {"value": one.names[value], "samples": int(rows[value])}
        if shares[top] >= _PURE and rows[value] * (1 - base[top]) >= _EXPECTED:
            yield {**line, "tells": f"{shares[top]:.1%} are {subject.classes[top]}"}
        elif len(never):
            yield {**line, "tells": "never " + ", ".join(subject.classes[place] for place in never)}


@hookimpl
def mmx_audit_checks() -> Sequence[Check]:
    """Give this check."""
    return [Check(_ID, "single columns from which the label can be told", find, short=True)]
