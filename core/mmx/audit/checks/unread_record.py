"""Fields that the spec names as the record, and that no text and no encoder reads."""

from mmx.audit.check import Check
from mmx.audit.finding import Finding
from mmx.audit.subject import Subject

_ID = "unread_record"


def find(subject: Subject) -> list[Finding]:
    """One warning that names the fields which the narrative never looks up."""
    if not subject.unread:
        return []
    names = ", ".join(map(repr, subject.unread))
    message = (
        f"{subject.narrative} never reads {names}, so the model does not see it; narrative: "
        "template writes the whole record, narrative: joined the record and a text column, "
        "model.record: tabular reads it as a modality of its own; or leave it out of the data set"
    )
    evidence = tuple({"field": name} for name in subject.unread)
    return [Finding(_ID, "warning", message, evidence)]


CHECK = Check(_ID, "fields of the record that no text tells", find, short=True, by_label=False)
