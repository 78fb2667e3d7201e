"""Labels that are not what they seem: one class in two spellings, several classes in one cell."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from mmx.errors import DataError

SEPARATORS = "|;,/、；，+&"
"""What stands between several labels in one cell."""

_SHOWN = 5
_ITEM = re.compile(r"\s*('[^']*'|\"[^\"]*\"|[^,]+)")  # of a written list
_NUMBER = re.compile(r"[-+]?(0|[1-9]\d*)(\.\d*)?$")  # 007 is a name, 7 and 7.0 are numbers


def check_spelling(labels: Iterable[str]) -> None:
    """Refuse classes that differ in nothing but case, blanks, or as 1 and 1.0.

    Args:
        labels: of the rows; the empty one is unknown.

    Raises:
        DataError: names them all, with their counts.
    """
    counts = Counter(label for label in labels if label)
    alike: dict[str, list[str]] = {}
    for name in sorted(counts):
        alike.setdefault(_spelling(name), []).append(name)
    twice = [names for names in alike.values() if len(names) > 1]
    if twice:
        told = "; ".join(
            " and ".join(f"{name!r} ({counts[name]} rows)" for name in names) for names in twice
        )
        first = twice[0]
        raise DataError(
            f"labels that differ only in case, blanks or as 1 and 1.0 are spelt in several ways: "
            f"{told}; if they are one class, say so: data.dataset.labels: {{map: {{{first[1]!r}: "
            f"{first[0]!r}}}}}; if they are different ones, name all classes in "
            "data.dataset.classes"
        )


def _spelling(name: str) -> str:
    """What is left of a name without case, width, blanks and the form of a number."""
    plain = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    return repr(float(plain)) if _NUMBER.match(plain) else plain


def several_labels(labels: Iterable[str]) -> tuple[str, list[str]] | None:
    """The separator and the cells that hold several labels, when there are such.

    A cell holds several when it splits into parts that other cells hold too, at least one of them
    alone. A name that merely holds such a sign, as in ``basal cell/squamous cell`` beside nothing
    like it, stays a name.

    Args:
        labels: of the rows; the empty one is unknown.
    """
    names = sorted({label for label in labels if label})
    for separator in SEPARATORS:
        split = {name: split_labels(name, separator) for name in names}
        held = Counter(part for parts in split.values() for part in set(parts))
        cells = [
            name
            for name, parts in split.items()
            if len(parts) > 1
            and all(held[part] > 1 for part in parts)
            and any(part in split or [part] in split.values() for part in parts)
        ]
        if cells:
            return separator, cells
    return None


def split_labels(cell: str, separator: str) -> list[str]:
    """The labels of a cell such as ``a|b``, or of one that holds a written list: ``['a', 'b']``."""
    text = cell.strip()
    if text.startswith("[") and text.endswith("]"):
        items = (one.strip().strip("'\"").strip() for one in _ITEM.findall(text[1:-1]))
        return [one for one in items if one]
    return [part.strip() for part in cell.split(separator) if part.strip()]


def check_single(labels: Sequence[str]) -> None:
    """Refuse cells with several labels, which would become classes of their own in silence.

    Raises:
        DataError: names some of them, and the three ways out.
    """
    found = several_labels(labels)
    if found is None:
        return
    separator, cells = found
    rows = sum(label in set(cells) for label in labels)
    shown = ", ".join(map(repr, cells[:_SHOWN]))
    raise DataError(
        f"{rows} rows seem to have several labels in one cell, parted by {separator!r}, such as "
        f"{shown}: their parts are labels of other rows. task: multi_label learns several labels "
        "per case, from such cells: data.dataset.labels: {several: each, separator: "
        f'"{separator}"}}, or from columns that hold 1 or 0: labels: [COLUMN, COLUMN]. For one '
        "class per case say what is meant: "
        f'data.dataset.labels: {{several: first, separator: "{separator}"}} keeps the first one of '
        "each cell, labels: {several: own} makes each such cell a class of its own"
    )
