"""What a check says: a verdict with its evidence."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["error", "warning", "note"]
"""An error stops a run unless it is waived; a warning and a note stand in the report."""

Evidence = Mapping[str, str | float]
"""One line of a table: column name to what stands there."""

SHOWN = 50  # lines of evidence that a finding keeps; the message tells how many there are


@dataclass(frozen=True, slots=True)
class Score:
    """Balanced accuracy of a probe on rows that it did not learn from.

    Attributes:
        probe: what it looked at and how it learned.
        value: in [0, 1].
        low: of the 95 % interval, which takes the rows of a group together.
        high: of the same interval.
        chance: of a coin: 1 / number of classes.
        samples: scored.
        groups: scored.
        auroc: of the class that is told best from the rest; None where none is told.
    """

    probe: str
    value: float
    low: float
    high: float
    chance: float
    samples: int
    groups: int
    auroc: float | None = None

    def __str__(self) -> str:
        """The score in words: ``0.97 (95 % interval 0.95 to 0.98, chance 0.25)``."""
        return (
            f"{self.value:.2f} (95 % interval {self.low:.2f} to {self.high:.2f}, "
            f"chance {self.chance:.2f})"
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        check: id of the check.
        verdict: error, warning or note.
        message: what was found, and what to do about it.
        evidence: which samples, words, columns or pairs; the first 50.
        pictures: ids of samples to be shown side by side, one tuple for each line.
        score: of the probe, where there is one.
        about: which of several things that the check looks at, such as a column; what is found
            of one thing for several labels is told together.
        labels: one line for each label that it was found for, where there are several.
        modality: of the images or texts that it is about, where there are several of them.
    """

    check: str
    verdict: Verdict
    message: str
    evidence: tuple[Evidence, ...] = ()
    pictures: tuple[tuple[str, ...], ...] = ()
    score: Score | None = None
    about: str = ""
    labels: tuple[Evidence, ...] = ()
    modality: str = ""

    def to_json(self) -> dict[str, object]:
        """Plain data for a JSON file."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Finding":
        """What ``to_json`` gave, after a way through a file."""
        score = plain.get("score")
        return cls(
            check=plain["check"],
            verdict=plain["verdict"],
            message=plain["message"],
            evidence=tuple(plain["evidence"]),
            pictures=tuple(tuple(line) for line in plain["pictures"]),
            score=Score(**score) if score else None,
            about=plain["about"],
            labels=tuple(plain["labels"]),
            modality=plain["modality"],
        )
