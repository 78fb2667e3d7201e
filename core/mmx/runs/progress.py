"""What a run tells whoever watches it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one stage of a run has come.

    Attributes:
        stage: what is going on, such as ``train``.
        done: units that are done.
        total: units in all; 0 when nobody knows.
        unit: what is counted, such as ``step`` or ``image``.
        rate: samples per second; 0 when not measured.
        seconds_left: until the stage ends; None when nobody knows.
        values: figures to show, such as the loss.
    """

    stage: str
    done: int
    total: int
    unit: str = "step"
    rate: float = 0.0
    seconds_left: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)


class Observer(Protocol):
    """Watches a run. Training calls it at most about ten times a second."""

    def progress(self, progress: Progress) -> None:
        """Take note of how far a stage has come."""

    def message(self, text: str) -> None:
        """Take note of a sentence for the user."""


class SilentObserver:
    """Watches and says nothing."""

    def progress(self, progress: Progress) -> None:
        """Ignore it."""

    def message(self, text: str) -> None:
        """Ignore it."""
