"""Classes of which a part has fewer than ten groups: their scores hang on single cases."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from mmx.audit.check import Check
from mmx.audit.finding import SHOWN, Evidence, Finding
from mmx.audit.subject import Subject
from mmx.spec import PARTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST = 10  # groups


def find(subject: Subject) -> list[Finding]:
    """One warning with a line for each class and part."""
    parts: dict[str, NDArray[np.bool_]] = {part: subject.parts == part for part in PARTS}
    lines = [line for one in subject.by_label for line in _lines(one, parts)]
    if not lines:
        return []
    classes = list(dict.fromkeys(str(line["class"]) for line in lines))
    message = (
        f"fewer than {_LEAST} {subject.many} in a part: {', '.join(classes[:10])}; their "
        "scores and intervals hang on single cases"
    )
    return [Finding("small_classes", "warning", message, tuple(lines[:SHOWN]))]


def _lines(subject: Subject, parts: "Mapping[str, NDArray[np.bool_]]") -> Iterator[Evidence]:
    """A line for each small class of one label."""
    label = f"{subject.label_name}: " if subject.label_name else ""
    for part, there in parts.items():
        rows = subject.used[there[subject.used]]
        if not len(rows):
            continue
        for index, name in enumerate(subject.classes):
            own = rows[subject.labels[rows] == index]
            groups = int(np.count_nonzero(np.bincount(subject.group_numbers[own])))
            if groups < _LEAST:
                yield {"part": part, "class": f"{label}{name}", subject.many: groups}


_FINDS = f"classes with fewer than {_LEAST} groups in a part"
CHECK = Check("small_classes", _FINDS, find, by_label=False)
