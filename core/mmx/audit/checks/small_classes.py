"""Classes of which a part has fewer than ten groups: their scores hang on single cases."""

import numpy as np

from mmx.audit.check import Check
from mmx.audit.finding import SHOWN, Evidence, Finding
from mmx.audit.subject import Subject
from mmx.spec import PARTS

_LEAST = 10  # groups


def find(subject: Subject) -> list[Finding]:
    """One warning with a line for each class and part."""
    lines: list[Evidence] = []
    for part in PARTS:
        rows = subject.used[subject.parts[subject.used] == part]
        if not len(rows):
            continue
        for index, name in enumerate(subject.classes):
            groups = np.unique(subject.groups[rows[subject.labels[rows] == index]].astype(str))
            if len(groups) < _LEAST:
                lines.append({"part": part, "class": name, subject.many: len(groups)})
    if not lines:
        return []
    classes = list(dict.fromkeys(str(line["class"]) for line in lines))
    message = (
        f"fewer than {_LEAST} {subject.many} in a part: {', '.join(classes[:10])}; their "
        "scores and intervals hang on single cases"
    )
    return [Finding("small_classes", "warning", message, tuple(lines[:SHOWN]))]


_FINDS = f"classes with fewer than {_LEAST} groups in a part"
CHECK = Check("small_classes", _FINDS, find)
