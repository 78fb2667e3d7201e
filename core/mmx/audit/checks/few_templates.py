"""Few different texts, or texts that occur with one label only.

A text that five groups or more share, all of one class, tells the class by its wording. Frequent
classes do that by chance; so the share of such samples is compared with what shuffled labels give,
and must be more than any of 20 shuffles for each label gives.
"""

from typing import TYPE_CHECKING

import numpy as np

from mmx.audit.check import Check
from mmx.audit.finding import Evidence, Finding
from mmx.audit.subject import Subject

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHARED = 5  # groups with the same text
_EXCESS = 0.20  # share of the samples, beyond what shuffled labels give
_FEW, _ENOUGH = 10, 200  # different texts of a class, and its samples for that to be few
_SHUFFLES = 20
_ID = "few_templates"


def find(subject: Subject) -> list[Finding]:
    """A warning for texts with one label only, and one for classes with few texts."""
    rows = np.array([row for row in subject.probed.tolist() if subject.texts[row]], dtype=np.int64)
    if not len(rows):
        return []
    texts = np.array([subject.texts[row] for row in rows.tolist()], dtype=object)
    names, index = np.unique(texts.astype(str), return_inverse=True)
    lines = _lines(subject, rows, index, len(names))
    return [*_alone(subject, rows, index, len(names), lines), *_few(lines)]


def _lines(
    subject: Subject, rows: "NDArray[np.int64]", index: "NDArray[np.int64]", texts: int
) -> tuple[Evidence, ...]:
    labels = subject.labels[rows]
    alone = _single(labels, index, texts, len(subject.classes))
    return tuple(
        {
            "class": subject.classes[label],
            "samples": int((labels == label).sum()),
            "different texts": len(np.unique(index[labels == label])),
            "samples whose text has this label only": int(alone[index[labels == label]].sum()),
        }
        for label in np.unique(labels).tolist()
    )


def _alone(
    subject: Subject,
    rows: "NDArray[np.int64]",
    index: "NDArray[np.int64]",
    texts: int,
    lines: tuple[Evidence, ...],
) -> list[Finding]:
    _, member = np.unique(subject.groups[rows].astype(str), return_inverse=True)
    pairs = np.unique(np.stack([index, member]), axis=1)
    shared = (np.bincount(pairs[0], minlength=texts) >= _SHARED)[index]
    share = _share(subject, subject.labels[rows], index, texts, shared)
    first = np.unique(member, return_index=True)[1]
    draw = np.random.default_rng(0)

    def shuffles(number: int) -> list[float]:
        """The share with labels shuffled, which move with their group."""
        mixed = (draw.permutation(subject.labels[rows][first])[member] for _ in range(number))
        return [_share(subject, labels, index, texts, shared) for labels in mixed]

    shuffled = shuffles(_SHUFFLES)
    if share - float(np.mean(shuffled)) <= _EXCESS:
        return []
    if share <= max(shuffled + shuffles(_SHUFFLES * (subject.family - 1))):
        return []  # one of many labels, and no more than chance gives
    message = (
        f"{share:.0%} of the samples have a text that several {subject.many} share and that "
        f"occurs with one label only, {np.mean(shuffled):.0%} if labels are shuffled: the wording "
        "gives the class away"
    )
    return [Finding(_ID, "warning", message, lines, about="alone")]


def _share(
    subject: Subject,
    labels: "NDArray[np.int64]",
    index: "NDArray[np.int64]",
    texts: int,
    shared: "NDArray[np.bool_]",
) -> float:
    alone = _single(labels, index, texts, len(subject.classes))
    return float((alone[index] & shared).mean())


def _single(
    labels: "NDArray[np.int64]", index: "NDArray[np.int64]", texts: int, classes: int
) -> "NDArray[np.bool_]":
    """[texts], whether a text occurs with one label only."""
    seen = np.zeros((texts, classes), dtype=bool)
    seen[index, labels] = True
    return np.asarray(seen.sum(axis=1) == 1)


def _few(lines: tuple[Evidence, ...]) -> list[Finding]:
    few = [
        line for line in lines
        if int(line["different texts"]) < _FEW and int(line["samples"]) >= _ENOUGH
    ]  # fmt: skip
    if not few:
        return []
    told = ", ".join(f"{line['class']} {line['different texts']}" for line in few[:10])
    message = (
        f"few different texts for many samples ({told}): the text can add little, and what it "
        "adds is easily learned by heart"
    )
    return [Finding(_ID, "warning", message, tuple(few), about="few")]


CHECK = Check(_ID, "few different texts, or texts with one label only", find, scope="texts")
