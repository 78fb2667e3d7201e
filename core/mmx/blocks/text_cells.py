"""The cells of a column of a table as texts."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    pairs = zip(column.tolist(), column.isna().tolist(), strict=True)
    cells = [_NULL if lacking is True else cell for cell, lacking in pairs]
    keys = cells if {*map(type, cells)} <= {str} else _keys(str(column.name), cells)
    known: dict[object, str] = {}  # one string for equal cells
    found: Counter[str] = Counter()
    for key, count in Counter(keys).items():
        text = _text(key[1] if isinstance(key, tuple) else key)
        if text and is_missing(text, words):
            found[text] += count
            text = ""
        known[key] = text
    texts = np.empty(len(cells), dtype=object)
    texts[:] = [known[key] for key in keys]
    return Cells(texts, dict(sorted(found.items())))


_NULL = ""
_NESTED = (bytes, bytearray, memoryview, dict, list, tuple, set, np.ndarray)


def _keys(column: str, cells: Sequence[object]) -> list[tuple[type, object]]:
    """What stands for each cell; True and 1 are equal, and say different things."""
    for row, cell in enumerate(cells):
        if isinstance(cell, _NESTED):
            raise DataError(_nested(column, row, cell))
    return [(cell.__class__, cell) for cell in cells]


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


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
