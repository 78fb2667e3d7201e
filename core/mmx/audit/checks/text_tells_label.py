"""Whether the text alone tells the label: TF-IDF of one and two words, logistic regression."""

from collections.abc import Sequence

import numpy as np

from mmx.audit import probe
from mmx.audit.carried import carried
from mmx.audit.check import Check
from mmx.audit.columns import matrix, metadata
from mmx.audit.finding import Evidence, Finding, Score
from mmx.audit.subject import Subject
from mmx.audit.words import Words, tf_idf
from mmx.plugins import hookimpl

_ERROR = 0.90  # balanced accuracy
_BEYOND = 0.03  # more than the record alone
_ID = "text_tells_label"


def find(subject: Subject) -> list[Finding]:
    """An error above 0.90; a warning when the text tells more than the record it came from."""
    known = [*([_KNOWN] if subject.texts_know_label else []), *_carried(subject)]
    texts = [subject.texts[int(row)] for row in subject.probed]
    if not any(texts):
        few = probe.too_few(subject) if any(subject.texts) else ""
        return [*known, *([Finding(_ID, "note", few)] if few else [])]
    distinct = sorted(set(texts))
    places = {text: place for place, text in enumerate(distinct)}
    words = tf_idf(distinct)
    if words is None:
        return known
    place = np.array([places[text] for text in texts])
    predicted = probe.linear(subject, words.matrix, place)
    found = probe.score(subject, predicted, "TF-IDF of one and two words, logistic regression")
    return [*known, *_judged(subject, found, _telling(subject, words, place))]


_KNOWN = Finding(
    _ID,
    "error",
    "the narrative was shown the label, so whatever its texts say may come from it; such texts "
    "are for measuring a leak, never for a claim",
)


def _carried(subject: Subject) -> list[Finding]:
    lines = carried(subject)
    if not lines:
        return []
    columns = ", ".join(str(line["column"]) for line in lines)
    message = (
        f"the texts hold the values of {columns}, which the data set names among the columns that "
        "tell the label; write them without"
    )
    return [Finding(_ID, "error", message, tuple(lines))]


def _judged(subject: Subject, found: Score, evidence: tuple[Evidence, ...]) -> list[Finding]:
    if found.value > _ERROR:
        message = (
            f"text alone reaches a balanced accuracy of {found}: it may be written from the "
            "diagnosis; a result with images would show nothing but the text"
        )
        return [Finding(_ID, "error", message, evidence, score=found)]
    fields = metadata(subject)
    if not fields:
        return []
    names = ", ".join(one.name for one in fields)
    record = probe.quick(subject, probe.linear(subject, *matrix(fields)))
    if found.value <= record + _BEYOND or found.low <= max(found.chance, record):  # luck
        return []
    message = (
        f"text alone reaches a balanced accuracy of {found}, the record ({names}) {record:.2f}: "
        "the text says more than the record; make sure that it was written before the diagnosis"
    )
    return [Finding(_ID, "warning", message, evidence, score=found)]


def _telling(
    subject: Subject, words: Words, place: "np.typing.NDArray[np.int64]"
) -> tuple[Evidence, ...]:
    """For each class the words that lift its share most, each in 5 samples or more."""
    truth = subject.labels[subject.probed]
    used = (words.matrix > 0).astype(np.float64)
    lines: list[Evidence] = []
    for label in np.unique(truth).tolist():
        weights = np.bincount(place, truth == label, minlength=used.shape[0])
        inside = used.T @ weights  # [F], samples of this class with the word
        with_word = used.T @ np.bincount(place, minlength=used.shape[0])
        share = inside / np.maximum(with_word, 1)
        gain = np.where(with_word >= 5, (share - (truth == label).mean()) * np.sqrt(inside), -1)
        for column in np.argsort(-gain, kind="stable")[:3].tolist():
            if gain[column] > 0:
                lines.append({
                    "class": subject.classes[label], "words": words.terms[column],
                    "samples": int(with_word[column]),
                    "share of the class": round(float(share[column]), 3),
                })  # fmt: skip
    return tuple(lines)


@hookimpl
def mmx_audit_checks() -> Sequence[Check]:
    """Give this check."""
    return [Check(_ID, "texts from which the label can be told", find, short=True)]
