"""How a text is written, besides its words: characters in sequence, and length and signs.

Misspellings, abbreviations and languages without spaces are seen in the characters; a habit of
writing, such as a full stop, in the form.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LENGTHS = (2, 3, 4)
_BUCKETS = 4_096
_MOST = 1_000  # characters of a text that are read; a habit shows early, and reports are long
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # of Fibonacci hashing


def character_grams(texts: Sequence[str]) -> Any:
    """[d, 4096] sparse: runs of two to four characters, hashed, rows of length 1.

    Weighted as words are: logarithmic counts times the logarithm of rarity.
    """
    rows, buckets = zip(*(_grams(text) for text in texts), strict=True)
    row = np.repeat(np.arange(len(texts)), [len(one) for one in buckets])
    column = np.concatenate(buckets)
    counts = np.concatenate(rows)
    rarity = np.log((1 + len(texts)) / (1 + np.bincount(column, minlength=_BUCKETS))) + 1
    values = (1 + np.log(counts)) * rarity[column]
    length = np.sqrt(np.bincount(row, values**2, minlength=len(texts)))
    return csr_array((values / length[row], (row, column)), shape=(len(texts), _BUCKETS))


def _grams(text: str) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """How often each bucket is hit, and which."""
    signs = np.frombuffer(f" {text[:_MOST].casefold()} ".encode("utf-32-le"), dtype=np.uint32)
    codes, found = signs.astype(np.uint64), []
    for length in _LENGTHS:
        if len(codes) < length:
            continue
        run = np.zeros(len(codes) - length + 1, dtype=np.uint64)
        for index in range(length):
            run = (run ^ codes[index : len(codes) - length + 1 + index]) * _FACTOR
        found.append(run >> np.uint64(52))
    buckets, counts = np.unique(np.concatenate(found).astype(np.int64), return_counts=True)
    return counts, buckets


def form(texts: Sequence[str]) -> "NDArray[np.float64]":
    """[d, 9]: length, words, sentences, digits, capitals and signs, each with spread 1.

    Lengths are logarithms, all else shares of the characters.
    """
    table = np.array([_form(text) for text in texts])
    spread = table.std(axis=0)
    return np.asarray((table - table.mean(axis=0)) / np.where(spread > 0, spread, 1))


def _form(text: str) -> list[float]:
    size = max(len(text), 1)
    signs = [text.count(",") + text.count(";"), text.count("."), text.count("!") + text.count("?"),
             sum(not (sign.isalnum() or sign.isspace()) for sign in text),
             sum(map(str.isdigit, text)), sum(map(str.isupper, text))]  # fmt: skip
    lengths = [np.log1p(len(text)), np.log1p(len(text.split())), float(text.endswith((".", "!")))]
    return [*lengths, *(count / size for count in signs)]
