"""Pictures that use less than a tenth of the range of grey, and so are black, or blank, to a model.

Files of 10, 12 or 14 bits that are read as 16 bits look so, and those of a device with another
range than the rest.
"""

import numpy as np

from mmx.audit.check import Check
from mmx.audit.finding import Finding
from mmx.audit.subject import Subject

_ID = "narrow_range"
_LOOKED_AT, _CHUNK = 200, 50  # pictures
_NARROW = 0.1 * 255
_TAIL = 0.5  # per cent of the pixels at either end that do not count
_SHARE, _LEAST = 0.05, 3  # of the pictures


def find(subject: Subject) -> list[Finding]:
    """One warning, with the widest range that such a picture has."""
    if (
        subject.pictures is None
        or subject.has_picture is None
        or subject.image_name not in subject.reads
    ):
        return []
    rows = np.flatnonzero(subject.has_picture)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), _LOOKED_AT)).astype(np.int64)]
    ends = [
        np.percentile(one, [_TAIL, 100 - _TAIL])
        for start in range(0, len(rows), _CHUNK)
        for one in subject.pictures(rows[start : start + _CHUNK])
    ]
    narrow = [index for index, (low, high) in enumerate(ends) if high - low < _NARROW]
    if len(narrow) < max(_LEAST, _SHARE * len(rows)):
        return []
    low, high = min(ends[index][0] for index in narrow), max(ends[index][1] for index in narrow)
    message = (
        f"{len(narrow)} of {len(rows)} pictures use less than a tenth of the range of grey (they "
        f"lie between {low:.0f} and {high:.0f} of 255), so that a model sees next to nothing in "
        "them; if the files have more than 8 bits, state their range: data.image.range: [low, high]"
    )
    ids = [str(subject.ids[rows[index]]) for index in narrow[:10]]
    evidence = tuple({"sample": name} for name in ids)
    return [Finding(_ID, "warning", message, evidence, tuple((name,) for name in ids[:5]))]


_FINDS = "pictures that are nearly black or blank"
CHECK = Check(_ID, _FINDS, find, short=True, scope="images", by_label=False)
