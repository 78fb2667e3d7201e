"""What is only said about a result: where it fails, a note stands in its place, never an error."""

from collections.abc import Callable
from typing import TypeVar

from mmx.errors import MmxError

T = TypeVar("T")
_LONGEST = 300  # letters of what a foreign exception says


class Attempts:
    """Parts of an explanation or a report that may fail, for plugins may raise anything.

    Attributes:
        notes: one sentence for each part that failed, each once.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []

    def get(self, what: str, work: Callable[[], T], otherwise: T) -> T:
        """What ``work`` gives; ``otherwise`` and a note that names ``what`` when it raises."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the result that it is about stands without it
            self.note(f"{what} cannot be told: {told(error)}")
            return otherwise

    def note(self, words: str) -> None:
        """Keep a sentence."""
        if words not in self.notes:
            self.notes.append(words)


def told(error: Exception) -> str:
    """An exception in one line; its type unless it is one of mmx, whose words are enough."""
    words = " ".join(str(error).split())
    words = words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."
    return words if isinstance(error, MmxError) else f"{type(error).__name__}: {words}"
