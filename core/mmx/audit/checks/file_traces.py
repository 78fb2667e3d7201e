"""Files of images and texts that say by themselves which class they are of: format, camera, date.

A model sees pixels alone, but other compression or another camera for one class is in the pixels as
well, and a model learns it before it learns the disease.
"""

from mmx.audit.check import Check
from mmx.audit.finding import Finding
from mmx.audit.probe_columns import column_of
from mmx.audit.subject import Subject
from mmx.audit.telling import telling

_ID = "file_traces"
_ADVICE = (
    "pixels and texts may carry the same trace; take the classes from the same devices and years"
)


def find(subject: Subject) -> list[Finding]:
    """One warning for each property from which a class can be told."""
    if not len(subject.probed):
        return []
    properties = subject.files(subject.probed)
    return [
        found
        for name, values in properties.items()
        for found in telling(subject, column_of(subject, name, values), _ID, _ADVICE)
    ]


CHECK = Check(_ID, "properties of image and text files from which a class can be told", find)
