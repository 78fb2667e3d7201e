"""Columns from which a class can be told one by one, such as how a diagnosis was made.

Each class is held against the rest, with numbers in bins and "missing" as a value like any other.
What should tell nothing (file size, image size, patterns of names, what is missing) is told from an
AUROC of 0.65 on; a field of the record, as age may tell in earnest, from 0.75. A value that goes
with one class only, or never with one that should be there, is told whatever the AUROC.
"""

from dataclasses import replace

from mmx.audit.check import Check
from mmx.audit.finding import Finding
from mmx.audit.probe_columns import column_of, is_text, missingness
from mmx.audit.subject import Subject
from mmx.audit.telling import telling, telling_field

_ID = "telling_columns"
_ORDER = "row order"
_FIELD = "if it is known only after the diagnosis, name it in leak_columns or leave it out"
_HIDDEN = "narratives never see it, as the data set says"
_TECHNICAL = "find out why; the images or texts may carry the same trace"


def find(subject: Subject) -> list[Finding]:
    """One warning for each telling column; a note where no model can see it."""
    if not len(subject.probed):
        return []
    found: list[Finding] = []
    said: set[str] = set()
    for name, values in subject.fields.items():
        if is_text(subject, name, values):
            continue
        hidden = name in subject.leak_columns and name not in subject.record_fields
        here = telling_field(
            subject, column_of(subject, name, values), _ID, _HIDDEN if hidden else _FIELD
        )
        for one in here:
            said.add(f"{name} is missing")
            found.append(replace(one, verdict="note") if hidden else one)
    technical = {**subject.technical(subject.probed), **missingness(subject)}
    for name in (name for name in technical if name not in said):
        shown = column_of(subject, name, technical[name])
        for one in telling(subject, shown, _ID, _TECHNICAL):
            # a table that is sorted by class is usual, and no model sees the order
            found.append(replace(one, verdict="note") if name == _ORDER else one)
    return found


CHECK = Check(_ID, "single columns from which a class can be told", find, short=True)
