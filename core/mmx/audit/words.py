"""Words of texts: their plain form, and TF-IDF as scikit-learn computes it, without its import."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import numpy as np
from scipy.sparse import csr_array

VOCABULARY = 20_000


@dataclass(frozen=True, slots=True)
class Words:
    """Texts as numbers.

    Attributes:
        matrix: [d, F] sparse, rows of length 1; a text without a known word is 0.
        terms: F words or pairs of words, sorted.
    """

    matrix: Any
    terms: list[str]


def tf_idf(texts: Sequence[str], vocabulary: int = VOCABULARY) -> Words | None:
    """Logarithmic counts times the logarithm of rarity; None when there is no word at all.

    Args:
        texts: each once.
        vocabulary: the most frequent terms are kept.
    """
    counted = [Counter(_terms(text)) for text in texts]
    frequency = Counter(chain.from_iterable(counted))
    kept = sorted(frequency, key=lambda term: (-frequency[term], term))[:vocabulary]
    if not kept:
        return None
    terms = sorted(kept)
    indices = {term: index for index, term in enumerate(terms)}
    cells = [
        (row, indices[term], count)
        for row, counts in enumerate(counted)
        for term, count in counts.items()
        if term in indices
    ]
    rows, columns, counts = np.array(cells).T
    rarity = np.log((1 + len(texts)) / (1 + np.bincount(columns, minlength=len(terms)))) + 1
    values = (1 + np.log(counts)) * rarity[columns]
    length = np.sqrt(np.bincount(rows, values**2, minlength=len(texts)))
    shape = (len(texts), len(terms))
    return Words(csr_array((values / length[rows], (rows, columns)), shape=shape), terms)


def _terms(text: str) -> list[str]:
    words = re.findall(r"\w+", text.lower())
    return [*words, *(f"{first} {second}" for first, second in pairwise(words))]


def plain(text: str) -> str:
    """Lower case, one space between words, no underscores, dashes or typographic apostrophes."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return " ".join(re.sub(r"[\s_\-\u2010-\u2015/]+", " ", folded).split())
