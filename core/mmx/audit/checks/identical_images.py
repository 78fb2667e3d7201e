"""Byte-identical images across parts, or with different labels."""

import numpy as np

from mmx.audit.check import Check
from mmx.audit.finding import SHOWN, Finding
from mmx.audit.subject import Subject
from mmx.data import UNUSED

_PICTURES = 12  # sets whose pictures are shown


def find(subject: Subject) -> list[Finding]:
    """One error for images across parts, one for images with several labels."""
    across, torn = [], []
    for ids in subject.duplicates:
        rows = [subject.row_of[name] for name in ids]
        used = [row for row in rows if subject.parts[row] != UNUSED]
        if len({subject.parts[row] for row in used}) > 1:
            across.append(used)
        if _torn(subject, used):
            torn.append(used)
    return [
        *_told(subject, across, "stand in more than one part: the test part was partly seen"),
        *_told(subject, torn, "have more than one label: at least one of them is wrong"),
    ]


def _torn(subject: Subject, rows: list[int]) -> bool:
    """Whether any two of these rows have two values of a label."""
    every = [one.labels for one in subject.strata] or [subject.labels]
    return any(len(np.unique(labels[rows][labels[rows] >= 0])) > 1 for labels in every)


def _told(subject: Subject, sets: list[list[int]], what: str) -> list[Finding]:
    if not sets:
        return []
    evidence = tuple(
        {
            "samples": ", ".join(str(subject.ids[row]) for row in rows[:6]),
            "parts": ", ".join(sorted({str(subject.parts[row]) for row in rows})),
            "labels": ", ".join(sorted({subject.label(row) for row in rows})),
        }
        for rows in sets[:SHOWN]
    )
    pictures = tuple(tuple(str(subject.ids[row]) for row in rows[:4]) for rows in sets[:_PICTURES])
    noun = "image" if len(sets) == 1 else "images"
    message = (
        f"{len(sets)} {noun} that several samples share, byte for byte, {what}; give such samples "
        "one group, or remove the copies"
    )
    return [Finding("identical_images", "error", message, evidence, pictures)]


_FINDS = "the same image file in two parts, or with two labels"
CHECK = Check("identical_images", _FINDS, find, short=True, scope="images", by_label=False)
