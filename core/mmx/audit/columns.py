"""Fields of a record as numbers that a probe can learn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmx.audit.subject import Subject
from mmx.interfaces import Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORDS, _DISTINCT = 4, 20  # a field with more words than that, in more wordings, is a text
_COMMON = 5  # rows of a value that gets a column of its own
_BINS = 32
_PER_BIN = 20  # rows, about, so that a bin says something about the classes


@dataclass(frozen=True, slots=True)
class Column:
    """One field of the probed rows.

    Attributes:
        name: of the field.
        numbers: [m], NaN where it is missing; None when the field holds words.
        codes: [m], place in ``names``.
        names: what the codes mean; the first one is "missing".
    """

    name: str
    numbers: "NDArray[np.float64] | None"
    codes: "NDArray[np.int64]"
    names: tuple[str, ...]


def column(name: str, values: Sequence[Value]) -> Column:
    """A field; numbers are cut into bins of equal size, unless few of them are different."""
    missing = np.array([value is None or value == "" for value in values], dtype=bool)
    if any(isinstance(value, str) for value in values if value not in (None, "")):
        words = np.array([str(value) for value in values], dtype=str)[~missing]
        return _column(name, None, missing, np.unique(words, return_inverse=True))
    numbers = np.array([np.nan if value in (None, "") else value for value in values], float)
    missing |= ~np.isfinite(numbers)
    kept, bins = numbers[~missing], min(_BINS, max(len(values) // _PER_BIN, 2))
    different = np.unique(kept)
    inner = np.arange(1, bins) / bins
    edges = different[1:] if len(different) <= bins else np.unique(np.quantile(kept, inner))
    codes = np.searchsorted(edges, kept, side="right")
    names = np.array([f"bin {place}" for place in range(len(edges) + 1)])
    return _column(name, np.where(missing, np.nan, numbers), missing, (names, codes))


def _column(
    name: str,
    numbers: "NDArray[np.float64] | None",
    missing: "NDArray[np.bool_]",
    named: "tuple[NDArray[np.str_], NDArray[np.int64]]",
) -> Column:
    codes = np.zeros(len(missing), dtype=np.int64)
    codes[~missing] = named[1].ravel() + 1
    return Column(name, numbers, codes, ("missing", *named[0].tolist()))


def metadata(subject: Subject) -> list[Column]:
    """Fields of the record that narratives may see, without texts."""
    hidden = set(subject.leak_columns)
    return [
        column(name, values)
        for name, values in subject.fields.items()
        if name not in hidden and not is_text(subject, values)
    ]


def is_text(subject: Subject, values: Sequence[Value]) -> bool:
    """Whether a field is the narrative itself, or some other text of several words."""
    told = [str(value).strip() for value in values if value is not None and value != ""]
    if not told:
        return False
    texts = {subject.texts[int(row)].strip() for row in subject.probed} - {""}
    words = np.mean([len(one.split()) for one in told])
    same = sum(one in texts for one in told) > 0.5 * len(told)
    return same or bool(words >= _WORDS and len(set(told)) > _DISTINCT)


def matrix(columns: Sequence[Column]) -> "tuple[NDArray[np.float64], NDArray[np.int64]]":
    """One-hot of common values and bins [d, F], different rows only, and the row of each [m]."""
    codes = np.stack([one.codes for one in columns], axis=1)
    different, place = np.unique(codes, axis=0, return_inverse=True)
    blocks = []
    for column, one in enumerate(columns):
        common = np.flatnonzero(np.bincount(one.codes, minlength=len(one.names)) >= _COMMON)
        blocks.append((different[:, column, None] == common).astype(np.float64))
    return np.concatenate(blocks, axis=1), place.ravel()


def missingness(columns: Mapping[str, Sequence[Value]]) -> dict[str, list[Value]]:
    """For each field that is sometimes missing, 1 where it is."""
    found: dict[str, list[Value]] = {}
    for name, values in columns.items():
        missing: list[Value] = [float(value is None or value == "") for value in values]
        if 0.0 in missing and 1.0 in missing:
            found[f"{name} is missing"] = missing
    return found
