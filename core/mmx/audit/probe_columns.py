"""Fields of a record as numbers that a probe can learn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mmx.audit.dates import as_numbers
from mmx.audit.subject import Subject
from mmx.interfaces import Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORDS, _DISTINCT = 4, 20  # a field with more words than that, in more wordings, is a text
_COMMON = 5  # rows of a value that gets a column of its own
_BINS = 10
_OTHER = "other"


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
    """A field; numbers, dates and measurements in ten bins of equal size, words by value.

    Numbers of at most ten different values keep them; words that fewer than five rows have are one
    value together, so that a column of names or ids is no column of single cases.
    """
    missing = np.array([value is None or value == "" for value in values], dtype=bool)
    filled = [value for value in values if value is not None and value != ""]
    numbers: Sequence[float | None] = [one for one in filled if not isinstance(one, str)]
    if len(numbers) < len(filled):
        words = [str(value) for value in filled]
        written = as_numbers(words)
        if written is None:
            return _column(name, None, missing, _by_value(np.array(words, dtype=str)))
        numbers = written
    read = np.full(len(values), np.nan)
    read[~missing] = [np.nan if one is None else one for one in numbers]
    missing |= ~np.isfinite(read)
    return _column(name, np.where(missing, np.nan, read), missing, _binned(read[~missing]))


def _binned(numbers: "NDArray[np.float64]") -> "tuple[NDArray[np.str_], NDArray[np.int64]]":
    different = np.unique(numbers)
    if len(different) <= _BINS:
        names = np.array([f"{one:g}" for one in different])
        return names, np.searchsorted(different, numbers)
    edges = np.unique(np.quantile(numbers, np.arange(1, _BINS) / _BINS))
    codes = np.searchsorted(edges, numbers, side="right")
    lows, highs = np.array([different[0], *edges]), np.array([*edges, different[-1]])
    bins = [f"{low:.6g} to {high:.6g}" for low, high in zip(lows, highs, strict=True)]
    return np.array(bins), codes


def _by_value(words: "NDArray[np.str_]") -> "tuple[NDArray[np.str_], NDArray[np.int64]]":
    names, codes, counts = np.unique(words, return_inverse=True, return_counts=True)
    rare = counts < _COMMON
    if not rare.any():
        return names, codes
    indices = np.where(rare, int((~rare).sum()), np.cumsum(~rare) - 1)
    return np.append(names[~rare], _OTHER), indices[codes.ravel()]


def _column(
    name: str,
    numbers: "NDArray[np.float64] | None",
    missing: "NDArray[np.bool_]",
    named: "tuple[NDArray[np.str_], NDArray[np.int64]]",
) -> Column:
    codes = np.zeros(len(missing), dtype=np.int64)
    codes[~missing] = named[1].ravel() + 1
    return Column(name, numbers, codes, ("missing", *named[0].tolist()))


def column_of(subject: Subject, name: str, values: Sequence[Value]) -> Column:
    """A field of the probed rows, as ``column`` reads it."""
    return subject.derivations.of(f"column {name}", values, partial(column, name, values))


def metadata(subject: Subject) -> list[Column]:
    """Fields of the record that narratives may see, without texts."""
    hidden = set(subject.leak_columns)
    return [
        column_of(subject, name, values)
        for name, values in subject.fields.items()
        if name not in hidden and not is_text(subject, name, values)
    ]


def is_text(subject: Subject, name: str, values: Sequence[Value]) -> bool:
    """Whether a field is the narrative itself, or some other text of several words."""
    return subject.derivations.of(
        f"whether {name} is a text", values, partial(_is_text, subject, name, values)
    )


def _is_text(subject: Subject, name: str, values: Sequence[Value]) -> bool:
    if name in subject.text_fields:
        return True
    told = [str(value).strip() for value in values if value is not None and value != ""]
    if not told:
        return False
    written = subject.written.values() or [subject.texts]
    texts = {of[int(row)].strip() for of in written for row in subject.probed} - {""}
    words = np.mean([len(one.split()) for one in told])
    same = sum(one in texts for one in told) > 0.5 * len(told)
    return same or bool(words >= _WORDS and len(set(told)) > _DISTINCT)


def matrix(columns: Sequence[Column]) -> "tuple[NDArray[np.float64], NDArray[np.int64]]":
    """One-hot of common values and bins [d, F], different rows only, and the row of each [m]."""
    codes = np.stack([one.codes for one in columns], axis=1)
    different, index = np.unique(codes, axis=0, return_inverse=True)
    blocks = []
    for column, one in enumerate(columns):
        common = np.flatnonzero(np.bincount(one.codes, minlength=len(one.names)) >= _COMMON)
        blocks.append((different[:, column, None] == common).astype(np.float64))
    return np.concatenate(blocks, axis=1), index.ravel()


def missingness(subject: Subject) -> dict[str, list[Value]]:
    """For each field of the probed rows that is sometimes missing, 1 where it is."""
    columns = subject.fields
    return subject.derivations.of("what is missing", columns, partial(_missing, columns))


def _missing(columns: Mapping[str, Sequence[Value]]) -> dict[str, list[Value]]:
    found: dict[str, list[Value]] = {}
    for name, values in columns.items():
        missing: list[Value] = [float(value is None or value == "") for value in values]
        if 0.0 in missing and 1.0 in missing:
            found[f"{name} is missing"] = missing
    return found
