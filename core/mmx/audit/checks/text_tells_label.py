"""Whether the text alone tells the label, or one class of it.

Three probes look at the words, at runs of characters and at the form (length, signs, digits), each
with logistic regression in five folds of whole groups. What the text tells is held against what the
record tells that it may be written from, or against chance where there is no record.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mmx.audit import probe
from mmx.audit.carried import carried
from mmx.audit.check import Check
from mmx.audit.finding import Evidence, Finding, Score, Verdict
from mmx.audit.over_labels import over_labels
from mmx.audit.reading import BEYOND, Reading, read, read_record
from mmx.audit.subject import Subject
from mmx.audit.telling import told
from mmx.audit.traces import SURE
from mmx.audit.words import Words, tf_idf
from mmx.audit.writing import character_grams, form

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_ID = "text_tells_label"


def find(subject: Subject) -> list[Finding]:
    """An error where the text all but settles a class; a warning where it tells one too well."""
    known = [*([_KNOWN] if subject.texts_know_label else []), *_carried(subject)]
    texts = _Texts(subject)
    return [*known, *over_labels(subject, lambda one: _of_label(one, texts))]


class _Texts:
    """The different texts of the probed rows as numbers, made once for all labels.

    Args:
        subject: the rows.
    """

    def __init__(self, subject: Subject) -> None:
        self.rows = subject.probed
        self.all = [subject.texts[int(row)] for row in self.rows]
        self.distinct = sorted(set(self.all))

    @cached_property
    def index(self) -> "Ints":
        """Which of the different texts each row has."""
        indices = {text: index for index, text in enumerate(self.distinct)}
        return np.array([indices[text] for text in self.all], dtype=np.int64)

    @cached_property
    def words(self) -> Words | None:
        """None where there is no word at all."""
        return tf_idf(self.distinct)

    @cached_property
    def form(self) -> Any:
        """Length, signs, digits and capitals."""
        return form(self.distinct)

    @cached_property
    def grams(self) -> Any:
        """Runs of characters."""
        return character_grams(self.distinct)

    def ways(self) -> Iterator[tuple[str, Any]]:
        """Name and features [d, F] of each probe; the next is asked where the last saw nothing."""
        if self.words is not None:
            yield "TF-IDF of one and two words", self.words.matrix
        yield "length, signs, digits and capitals", self.form
        yield "runs of two to four characters", self.grams


def _of_label(subject: Subject, texts: _Texts) -> list[Finding]:
    """What the texts tell of one label."""
    own = np.searchsorted(texts.rows, subject.probed)
    if not any(texts.all[at] for at in own.tolist()):
        few = probe.too_few(subject) if any(subject.texts) else ""
        return [Finding(_ID, "note", few, about="too few")] if few else []
    index = texts.index[own]
    record = read_record(subject)
    for what, features in texts.ways():
        found = _judged(subject, read(subject, what, features, index), record)
        if found is not None:
            verdict, message, score = found
            evidence = _telling(subject, texts.words, index) if texts.words else ()
            return [Finding(_ID, verdict, message, evidence, score=score, about="text")]
    return []


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


def _telling(subject: Subject, words: Words, index: "Ints") -> tuple[Evidence, ...]:
    """For each class the words that lift its share most, each in 5 samples or more.

    The class with the clearest word comes first.
    """
    truth = subject.labels[subject.probed]
    used = (words.matrix > 0).astype(np.float64)
    found: list[tuple[float, list[Evidence]]] = []
    for label in np.unique(truth).tolist():
        weights = np.bincount(index, truth == label, minlength=used.shape[0])
        inside = used.T @ weights  # [F], samples of this class with the word
        with_word = used.T @ np.bincount(index, minlength=used.shape[0])
        share = inside / np.maximum(with_word, 1)
        gain = np.where(with_word >= 5, (share - (truth == label).mean()) * np.sqrt(inside), -1)
        best = [at for at in np.argsort(-gain, kind="stable")[:3].tolist() if gain[at] > 0]
        lines: list[Evidence] = [
            {
                "class": subject.classes[label], "words": words.terms[column],
                "samples": int(with_word[column]),
                "share of the class": round(float(share[column]), 3),
            }
            for column in best
        ]  # fmt: skip
        found.append((float(gain.max(initial=-1)), lines))
    ordered = sorted(found, key=lambda pair: -pair[0])
    return tuple(line for _, lines in ordered for line in lines)


_FINDS = "texts from which the label can be told"
CHECK = Check(_ID, _FINDS, find, short=True, scope="texts", by_label=False)
