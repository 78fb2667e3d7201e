"""The cells of a column of a table as texts."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mmx.blocks.missing_words import MISSING_WORDS, is_missing
from mmx.errors import DataError

if TYPE_CHECKING:
    import pandas
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Cells:
    """One column of a table.

    Attributes:
        texts: [n], str without outer spaces; empty where a cell is missing.
        words: word for missing as it was written -> how many cells held it.
    """

    texts: "NDArray[np.object_]"
    words: Mapping[str, int] = field(default_factory=dict)


def read_cells(column: "pandas.Series[Any]", *, missing: Collection[str] = MISSING_WORDS) -> Cells:
    """Read the cells of a column as texts; whole numbers lose their '.0'.

    Each cell is read by itself: what another row holds never changes it.

    Args:
        column: of a table as ``read_table`` gives it.
        missing: words, in any case, that say that nothing is known. Null, NaN, NaT and the empty
            cell always do.

    Raises:
        DataError: a cell holds bytes, a list or a struct; the words name the first row.
    """
    words = {word.casefold() for word in missing}
    known: dict[Any, str] = {}  # one string for equal cells
    found: Counter[str] = Counter()
    texts = np.empty(len(column), dtype=object)
    pairs = zip(column.tolist(), column.isna(), strict=True)
    for row, (cell, lacking) in enumerate(pairs):
        if isinstance(cell, _NESTED):
            raise DataError(_nested(str(column.name), row, cell))
        key = (cell.__class__, cell)  # True and 1 are equal, and say different things
        text = "" if lacking else known.get(key)
        if text is None:
            whole = isinstance(cell, float) and cell.is_integer()
            text = known[key] = str(int(cell)) if whole else str(cell).strip()
        if text and is_missing(text, words):
            found[text] += 1
            text = ""
        texts[row] = text
    return Cells(texts, dict(sorted(found.items())))


_NESTED = (bytes, bytearray, memoryview, dict, list, tuple, set, np.ndarray)


def _nested(column: str, row: int, cell: Any) -> str:
    several = ""
    if isinstance(cell, dict):
        what = f"a struct {{{', '.join(map(str, cell))}}}"
    elif isinstance(cell, bytes | bytearray | memoryview):
        what = f"{len(cell)} bytes"
    else:
        what = f"a list of {len(cell)}"
        several = "; a list of labels is read where data.dataset.labels says several: each"
    return (
        f"column {column!r} holds {what} in row {row + 2}; a cell must hold text, a number or "
        "nothing. Only columns of images may hold bytes, structs {bytes, path} and lists of them: "
        "name the column under images, or write its content into columns of their own"
        f"{several}"
    )


def with_written_lists(column: "pandas.Series[Any]") -> "pandas.Series[Any]":
    """Lists of texts in cells, as Parquet and JSON hold them, as ``split_labels`` reads them."""
    cells = column.tolist()
    if not any(isinstance(cell, list | tuple | np.ndarray) for cell in cells):
        return column
    return column.map(_written)


def _written(cell: object) -> object:
    """A list of texts as ``['a', 'b']``; anything else as it is."""
    if not isinstance(cell, list | tuple | np.ndarray):
        return cell
    texts = [str(one) for one in cell if isinstance(one, str)]
    return str(texts) if len(texts) == len(cell) else cell


def missing_words(columns: Mapping[str, Mapping[str, int]]) -> list[str]:
    """One sentence on each column whose cells were read as missing because of a word.

    Args:
        columns: column -> word -> how many cells held it.
    """
    return [
        f"column {name!r}: {_counted(words)} {_was(words)} read as missing; if it is a value, "
        "list the words that mean missing in data.dataset.missing"
        for name, words in columns.items()
        if words
    ]


def _counted(words: Mapping[str, int]) -> str:
    return ", ".join(f"{word!r} ({count} x)" for word, count in words.items())


def _was(words: Mapping[str, int]) -> str:
    return "was" if len(words) == 1 and sum(words.values()) == 1 else "were"


_FILE_NAME = re.compile(r"^\S[^\n]{0,250}\.(txt|text|md|rtf|html?|xml|json|pdf|docx?|odt)$", re.I)


def names_files(texts: Iterable[str]) -> bool:
    """Whether nearly all filled cells are names of text files."""
    filled = [text for text in texts if text]
    return bool(filled) and sum(bool(_FILE_NAME.match(one)) for one in filled) > 0.8 * len(filled)
