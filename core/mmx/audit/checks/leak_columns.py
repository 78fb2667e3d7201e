"""Fields that are known to tell the label, and that an encoder of records reads.

Nothing reads such a field unless its settings name it, which is refused, or a waiver of this check
lets it be read, which every report then says.
"""

from mmx.audit.check import Check
from mmx.audit.finding import Finding
from mmx.audit.subject import Subject

_ID = "leak_columns"


def find(subject: Subject) -> list[Finding]:
    """One error that names the fields."""
    found = [name for name in subject.leak_columns if name in subject.record_fields]
    if not found:
        return []
    names = ", ".join(map(repr, found))
    message = (
        f"the encoder of records reads {names}, which the data set knows to tell the label "
        "(leak_columns): it may know the answer; name other columns in the settings of the encoder"
    )
    return [Finding(_ID, "error", message, tuple({"field": name} for name in found))]


_FINDS = "fields known to tell the label that a model reads"
CHECK = Check(_ID, _FINDS, find, short=True, by_label=False)
