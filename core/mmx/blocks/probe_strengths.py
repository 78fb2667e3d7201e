"""The search for how strongly the weights of a linear probe are penalised."""

from collections.abc import Iterable
from math import inf
from typing import TypeVar

Tried = TypeVar("Tried")

PROBE_STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Inverse weights of the penalty that are tried, the strongest penalty first."""
WORSE = 2  # so many in a row that are no better than the best end the search


def best_before_worse(tried: Iterable[tuple[Tried, float]]) -> Tried | None:
    """The best of what is tried one after the other; None where nothing is.

    The first of equal ones is kept. After two in a row that are no better no more are tried.

    Args:
        tried: each with its score, higher is better; taken from it one at a time.
    """
    best: Tried | None = None
    top = -inf
    worse = 0
    for one, reached in tried:
        if best is None or reached > top:
            best = one
            top = reached
            worse = 0
        elif (worse := worse + 1) == WORSE:
            break
    return best
