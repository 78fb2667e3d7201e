"""Whether the text alone tells the label, or one class of it.

Three probes look at the words, at runs of characters and at the form (length, signs, digits), each
with logistic regression in five folds of whole groups. What the text tells is held against what the
record tells that it may be written from, or against chance where there is no record.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmx.audit import probe
from mmx.audit.carried import carried
from mmx.audit.check import Check
from mmx.audit.finding import Evidence, Finding, Score, Verdict
from mmx.audit.reading import BEYOND, Reading, read, read_record
from mmx.audit.subject import Subject
from mmx.audit.telling import told
from mmx.audit.traces import SURE
from mmx.audit.words import Words, tf_idf
from mmx.audit.writing import character_grams, form

if TYPE_CHECKING:
    pass

_ID = "text_tells_label"


def find(subject: Subject) -> list[Finding]:
    """An error where the text all but settles a class; a warning where it tells one too well."""
    known = [*([_KNOWN] if subject.texts_know_label else []), *_carried(subject)]
    texts = [subject.texts[int(row)] for row in subject.probed]
    if not any(texts):
        few = probe.too_few(subject) if any(subject.texts) else ""
        return [*known, *([Finding(_ID, "note", few)] if few else [])]
    distinct = sorted(set(texts))
    indices = {text: index for index, text in enumerate(distinct)}
    index = np.array([indices[text] for text in texts])
    words = tf_idf(distinct)
    record = read_record(subject)
    for what, features in _ways(distinct, words):
        found = _judged(subject, read(subject, what, features, index), record)
        if found is not None:
            verdict, message, score = found
            evidence = _telling(subject, words, index) if words else ()
            return [*known, Finding(_ID, verdict, message, evidence, score=score)]
    return known


def _ways(texts: Sequence[str], words: Words | None) -> Iterator[tuple[str, Any]]:
    """Name and features [d, F] of each probe; the next is asked where the last one saw nothing."""
    if words is not None:
        yield "TF-IDF of one and two words", words.matrix
    yield "length, signs, digits and capitals", form(texts)
    yield "runs of two to four characters", character_grams(texts)


_WRITTEN = (
    "it may be written from the diagnosis; a result with images would show nothing but the text"
)
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


def _judged(
    subject: Subject, reading: Reading, record: Reading | None
) -> tuple[Verdict, str, Score] | None:
    """Verdict, words and score; None where the record tells as much, or chance would."""
    beyond, settled = reading.beyond(record), reading.settles(record)
    better = record is not None and reading.accuracy > record.accuracy + BEYOND
    better = better and any(one.p <= SURE for one in reading.traces)
    if not beyond and not better and not settled:
        return None
    score = reading.score(subject)
    if not beyond and not settled and score.low <= max(score.chance, _accuracy(record)):  # luck
        return None
    classes = ", ".join(told(subject, one) for one in beyond[:3])
    beside = f", {record.what} {record.accuracy:.2f}" if record else ""
    reach = (
        f"text alone ({reading.what}) reaches a balanced accuracy of {score}{beside}"
        f"{f'; {classes}' if classes else ''}"
    )
    if settled:
        return "error", f"{reach}: {_WRITTEN}", score
    held = "the record" if record else "chance explains"
    advice = "make sure that it was written before the diagnosis"
    return "warning", f"{reach}: the text says more than {held}; {advice}", score


def _accuracy(record: Reading | None) -> float:
    return record.accuracy if record else 0.0


def _telling(
    subject: Subject, words: Words, index: "np.typing.NDArray[np.int64]"
) -> tuple[Evidence, ...]:
    """For each class the words that lift its share most, each in 5 samples or more."""
    truth = subject.labels[subject.probed]
    used = (words.matrix > 0).astype(np.float64)
    lines: list[Evidence] = []
    for label in np.unique(truth).tolist():
        weights = np.bincount(index, truth == label, minlength=used.shape[0])
        inside = used.T @ weights  # [F], samples of this class with the word
        with_word = used.T @ np.bincount(index, minlength=used.shape[0])
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


CHECK = Check(_ID, "texts from which the label can be told", find, short=True, scope="texts")
