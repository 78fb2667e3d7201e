"""Class names, synonyms and codes in the texts.

Names match as whole phrases, whatever the case and whatever stands between their words, with or
without a plural s. Codes of at most three letters, such as nv or no, are words of the language as
well: they count only where texts that hold them have that label more often than chance explains.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from mmx.audit.check import Check
from mmx.audit.finding import Finding, Verdict
from mmx.audit.subject import Subject
from mmx.audit.words import plain

_LIMIT = 0.01  # share of the samples
_CODE = 3  # letters of a name that may be another word by chance
_SURE = 1e-3  # how rarely chance may explain that a code goes with its class

ClassIndices = Mapping[str, int]


def find(subject: Subject) -> list[Finding]:
    """An error when more than 1 % of the samples have a text that names a class."""
    indices = names(subject)
    if not indices or not len(subject.used):
        return []
    found = _found(subject, indices)
    naming = {name: rows for name, rows in found.items() if _counts(subject, indices, name, rows)}
    rows = sorted(set().union(*naming.values()))
    if not rows:
        return []
    own = sum(any(row in naming[name] and indices[name] == subject.labels[row] for name in naming)
              for row in rows)  # fmt: skip
    share = len(rows) / len(subject.used)
    message = (
        f"{len(rows)} of {len(subject.used)} samples ({share:.1%}) have a text that names a class, "
        f"{own} of them their own; remove these words from the texts, or take a narrative that is "
        "not written from the diagnosis"
    )
    evidence = tuple(_line(subject, indices, name, at) for name, at in _by_count(naming))
    verdict: Verdict = "error" if share > _LIMIT else "warning"
    return [Finding("label_words", verdict, message, evidence)]


def names(subject: Subject) -> dict[str, int]:
    """Each name in its plain form -> place of the class; one that two classes share is left out."""
    found: dict[str, set[int]] = {}
    for index, label in enumerate(subject.classes):
        for name in (label, *subject.synonyms.get(label, ())):
            found.setdefault(plain(name), set()).add(index)
    return {name: indices.pop() for name, indices in found.items() if name and len(indices) == 1}


def pattern(all_names: Sequence[str]) -> re.Pattern[str]:
    """Finds any of some plain names in a plain text, the longest first."""
    ordered = sorted(all_names, key=lambda name: (-len(name), name))
    # only letters take a plural, and a code of three letters does not
    words = (re.escape(one) + ("(?:e?s)?" if len(one) > _CODE else "") for one in ordered)
    return re.compile(rf"(?<!\w)(?:{'|'.join(f'({word})' for word in words)})(?!\w)")


def _found(subject: Subject, indices: ClassIndices) -> dict[str, set[int]]:
    """Name -> used rows whose text holds it; each distinct text is searched once."""
    ordered = sorted(indices, key=lambda name: (-len(name), name))
    search, rows_of = pattern(ordered), dict[str, list[int]]()
    for row in subject.used:
        rows_of.setdefault(subject.texts[int(row)], []).append(int(row))
    found: dict[str, set[int]] = {}
    for text, rows in rows_of.items():
        for match in search.finditer(plain(text)) if text else ():
            found.setdefault(ordered[(match.lastindex or 1) - 1], set()).update(rows)
    return found


def _counts(subject: Subject, indices: ClassIndices, name: str, rows: set[int]) -> bool:
    """Whether a name is one here: codes must go with their class."""
    if len(name) > _CODE and not name.isdigit():
        return True
    from scipy.special import bdtrc  # type: ignore[import-untyped]

    at = sorted(rows)
    # one row for each group: the photographs of a lesion are no independent witnesses
    _, first = np.unique(subject.groups[at].astype(str), return_index=True)
    hits = subject.labels[np.array(at)[first]] == indices[name]
    base = float((subject.labels[subject.used] == indices[name]).mean())
    right = int(hits.sum())
    chance = bdtrc(right - 1, len(hits), base) if right else 1.0  # of as many hits or more
    return bool(chance < _SURE)


def _by_count(naming: Mapping[str, set[int]]) -> list[tuple[str, list[int]]]:
    ordered = sorted(naming.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [(name, sorted(rows)) for name, rows in ordered]


def _line(
    subject: Subject, indices: ClassIndices, name: str, rows: list[int]
) -> dict[str, str | float]:
    labels = Counter(subject.label(row) for row in rows)
    told = ", ".join(f"{label} {count}" for label, count in labels.most_common(4))
    return {
        "word": name,
        "names": subject.classes[indices[name]],
        "samples": len(rows),
        "labels of these": told,
        "for example": str(subject.ids[rows[0]]),
        "text": subject.texts[rows[0]][:200],
    }


CHECK = Check(
    "label_words", "class names, synonyms and codes in texts", find, short=True, scope="texts"
)
