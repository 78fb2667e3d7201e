"""The line under the headline of a report, with the value of guessing on it."""

from dataclasses import dataclass

from mmx.interfaces import Summary
from mmx.report.wording import formed, known

WIDTH = 1000  # of the drawing


@dataclass(frozen=True, slots=True)
class HeadlineScale:
    """Places along the line, 0 to ``WIDTH``, and what is written there.

    Attributes:
        value: of the headline.
        low: of its interval; None where there is none.
        high: of its interval.
        guess: what guessing would reach.
        ends: words at the left end, in the middle and at the right end.
        told: the headline in words.
        guessed: the value of guessing in words.
    """

    value: float
    low: float | None
    high: float | None
    guess: float
    ends: tuple[str, str, str]
    told: str
    guessed: str


def headline_scale(summary: Summary) -> HeadlineScale | None:
    """The line; None where the task names no value of guessing, or there is no headline."""
    shown = summary.headline
    if summary.guess is None or not known(shown.value):
        return None
    first, last = summary.scale
    ends = known(shown.low) and known(shown.high)
    return HeadlineScale(
        value=_place(shown.value, summary.scale),
        low=_place(shown.low, summary.scale) if ends else None,
        high=_place(shown.high, summary.scale) if ends else None,
        guess=_place(summary.guess, summary.scale),
        ends=(
            _end(first, summary.form), _end((first + last) / 2, summary.form),
            _end(last, summary.form),
        ),
        told=formed(shown.value, summary.form),
        guessed=formed(summary.guess, summary.form),
    )  # fmt: skip


def _place(value: float, scale: tuple[float, float]) -> float:
    """Where a value lies; one beyond an end is drawn at that end."""
    first, last = scale
    return round(WIDTH * min(max((value - first) / (last - first), 0.0), 1.0), 1)


def _end(value: float, form: str) -> str:
    """0, 0.5, 1, or 0, 50 %, 100 %."""
    return formed(value, ".0%") if form.endswith("%") and value else f"{value:.3g}"
