"""Class names, synonyms and codes in the texts.

Names match as whole phrases, whatever the case and whatever stands between their words, with or
without a plural s. Codes of at most three letters, such as nv or no, are words of the language as
well: they count only where texts that hold them have that label more often than chance explains.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import bdtrc

from mmx.audit.check import Check
from mmx.audit.finding import Finding, Verdict
from mmx.audit.subject import Subject
from mmx.audit.words import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

_LIMIT = 0.01  # share of the samples
_CODE = 3  # letters of a name that may be another word by chance
_SURE = 1e-3  # how rarely chance may explain that a code goes with its class


@dataclass(frozen=True, slots=True)
class _Meaning:
    """The class that a word names, as an answer to one of the labels."""

    subject: Subject
    index: int

    @property
    def words(self) -> str:
        """What it names, on a page."""
        return self.subject.label_name or self.subject.classes[self.index]

    def has(self, rows: "Rows") -> "NDArray[np.bool_]":
        """[B], which rows are of the class."""
        return np.asarray(self.subject.labels[rows] == self.index)


def find(subject: Subject) -> list[Finding]:
    """An error when more than 1 % of the samples have a text that names a class or a label."""
    named = names(subject)
    if not named or not len(subject.used):
        return []
    found = _found(subject, named)
    naming = {name: rows for name, rows in found.items() if _counts(named[name], name, rows)}
    if not naming:
        return []
    share = len(set().union(*naming.values())) / len(subject.used)
    message = (
        f"{_counted(subject, named, naming)}; remove these words from the texts, or take a "
        "narrative that is not written from the diagnosis"
    )
    evidence = tuple(_line(subject, named[name], name, at) for name, at in _by_count(naming))
    verdict: Verdict = "error" if share > _LIMIT else "warning"
    return [Finding("label_words", verdict, message, evidence)]


def names(subject: Subject) -> dict[str, _Meaning]:
    """Each name in its plain form -> what it names; one that two classes share is left out.

    A label that is absent or present is named by its own name, and absent and present by none.
    """
    found: dict[str, list[_Meaning]] = {}
    for label in subject.by_label:
        for index, words in _names_of(label):
            for name in (words, *subject.synonyms.get(words, ())):
                found.setdefault(plain(name), []).append(_Meaning(label, index))
    return {name: of[0] for name, of in found.items() if name and len(of) == 1}


def _names_of(label: Subject) -> list[tuple[int, str]]:
    """Place of the class, and its name."""
    if label.label_name and len(label.classes) == 2:
        return [(1, label.label_name)]
    return [
        (index, name)
        for index, name in enumerate(label.classes)
        if not label.names or name in label.names
    ]


def pattern(all_names: Sequence[str]) -> re.Pattern[str]:
    """Finds any of some plain names in a plain text, the longest first."""
    ordered = sorted(all_names, key=lambda name: (-len(name), name))
    # only letters take a plural, and a code of three letters does not
    words = (re.escape(one) + ("(?:e?s)?" if len(one) > _CODE else "") for one in ordered)
    return re.compile(rf"(?<!\w)(?:{'|'.join(f'({word})' for word in words)})(?!\w)")


def _found(subject: Subject, named: Mapping[str, _Meaning]) -> dict[str, set[int]]:
    """Name -> used rows whose text holds it; each distinct text is searched once."""
    ordered = sorted(named, key=lambda name: (-len(name), name))
    search, rows_of = pattern(ordered), dict[str, list[int]]()
    for row in subject.used:
        rows_of.setdefault(subject.texts[int(row)], []).append(int(row))
    found: dict[str, set[int]] = {}
    for text, rows in rows_of.items():
        for match in search.finditer(plain(text)) if text else ():
            found.setdefault(ordered[(match.lastindex or 1) - 1], set()).update(rows)
    return found


def _counts(named: _Meaning, name: str, rows: set[int]) -> bool:
    """Whether a name is one here: codes must go with their class."""
    if len(name) > _CODE and not name.isdigit():
        return True
    label = named.subject
    at = np.array([row for row in sorted(rows) if label.labels[row] >= 0], dtype=np.int64)
    # one row for each group: the photographs of a lesion are no independent witnesses
    _, first = np.unique(label.groups[at].astype(str), return_index=True)
    hits = named.has(at[first])
    base = float(named.has(label.used).mean()) if len(label.used) else 0.0
    right = int(hits.sum())
    chance = bdtrc(right - 1, len(hits), base) if right else 1.0  # of as many hits or more
    return bool(chance * label.family < _SURE)


def _counted(
    subject: Subject, named: Mapping[str, _Meaning], naming: Mapping[str, set[int]]
) -> str:
    """How many samples have such a text, and of how many it is true."""
    rows = set().union(*naming.values())
    own = {
        row
        for name, found in naming.items()
        for row, right in zip(found, named[name].has(np.array([*found])), strict=True)
        if right
    }
    what = "a label" if subject.strata else "a class"
    return (
        f"{len(rows)} of {len(subject.used)} samples ({len(rows) / len(subject.used):.1%}) have a "
        f"text that names {what}, {len(own)} of them their own"
    )


def _by_count(naming: Mapping[str, set[int]]) -> list[tuple[str, list[int]]]:
    ordered = sorted(naming.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [(name, sorted(rows)) for name, rows in ordered]


def _line(subject: Subject, named: _Meaning, name: str, rows: list[int]) -> dict[str, str | float]:
    labels = Counter(named.subject.label(row) for row in rows)
    told = ", ".join(f"{label} {count}" for label, count in labels.most_common(4) if label)
    return {
        "word": name,
        "names": named.words,
        "samples": len(rows),
        "labels of these": told,
        "for example": str(subject.ids[rows[0]]),
        "text": subject.texts[rows[0]][:200],
    }


_FINDS = "class names, synonyms and codes in texts"
CHECK = Check("label_words", _FINDS, find, short=True, scope="texts", by_label=False)
