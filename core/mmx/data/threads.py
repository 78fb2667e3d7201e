"""How many threads look at images, and how work is handed to them."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")

_PIECE = 32  # a task of its own for each small file costs more than the file


def threads() -> int:
    """As many as this process may use, at most 8."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4, 8)


def in_threads(
    work: Callable[[Given], Found], items: Sequence[Given], piece: int = _PIECE
) -> Iterator[Found]:
    """What ``work`` gives for each item, in order.

    Args:
        work: is called in several threads at once.
        items: of any number.
        piece: items that a thread takes at a time.
    """
    pieces = [items[start : start + piece] for start in range(0, len(items), piece)]
    with ThreadPoolExecutor(threads()) as pool:
        yield from chain.from_iterable(pool.map(lambda some: [work(one) for one in some], pieces))
