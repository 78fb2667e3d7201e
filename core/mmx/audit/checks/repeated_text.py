"""The same narrative in training and test."""

from collections import Counter

from mmx.audit.check import Check
from mmx.audit.finding import Evidence, Finding
from mmx.audit.subject import Subject

_SHOWN = 10  # texts


def find(subject: Subject) -> list[Finding]:
    """One note with the share of the test samples, and the most frequent texts."""
    train, test = (_texts(subject, part) for part in ("train", "test"))
    shared = {text: count for text, count in test.items() if text in train}
    if not shared:
        return []
    repeated, total = sum(shared.values()), sum(test.values())
    ordered = sorted(shared, key=lambda text: (-shared[text], text))
    evidence: tuple[Evidence, ...] = tuple(
        {"text": text[:200], "test samples": shared[text], "training samples": train[text]}
        for text in ordered[:_SHOWN]
    )
    message = (
        f"{repeated} of {total} test samples with a text have one that a training sample has too "
        f"({repeated / total:.0%}); usual for templates, a question for free texts"
    )
    return [Finding("repeated_text", "note", message, evidence)]


def _texts(subject: Subject, part: str) -> Counter[str]:
    rows = subject.used[subject.parts[subject.used] == part]
    return Counter(text for row in rows if (text := subject.texts[int(row)]))


_FINDS = "the same narrative in training and test"
CHECK = Check("repeated_text", _FINDS, find, scope="texts", by_label=False)
