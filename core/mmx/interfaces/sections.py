"""What a task shows of its scores in a report: typed content, which core turns into a page."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mmx.interfaces.interval import Interval


@dataclass(frozen=True, slots=True)
class Summary:
    """The top of a report.

    Attributes:
        metric: key of the headline among the metrics.
        title: its name in a sentence.
        headline: its value and interval.
        ends: the interval in words, or why there is none.
        meaning: what the headline says, for somebody who has never heard of the metric.
        measured: on how much it rests, and what guessing would reach.
        intervals: how the intervals were made.
        guess: what guessing would reach; None draws no line under the headline.
        form: of the headline as ``format`` takes it, also on that line: ``.1%``, ``.3f``.
        compared: metrics that stand beside each other where models are compared, at most six.
        scale: ends of the line on which the headline and ``guess`` are drawn.
    """

    metric: str
    title: str
    headline: Interval
    ends: str
    meaning: str
    measured: str
    intervals: str
    guess: float | None = None
    form: str = ".1%"
    compared: tuple[str, ...] = ()
    scale: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class MetricWords:
    """What a report says of a metric.

    Attributes:
        title: its name for people.
        meaning: what it is, in a few words.
        lower: lower values are better.
        share: it lies between 0 and 1, so that it can be drawn on such a line.
        form: as ``format`` takes it, where methods are compared; differences of a ``.1%`` are told
            in points.
        unit: of a value and of a difference, such as years.
        loss: it is on the scale of a loss, and is drawn beside it over the epochs.
    """

    title: str
    meaning: str = ""
    lower: bool = False
    share: bool = True
    form: str = ".3f"
    unit: str = ""
    loss: bool = False


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One row of a table of scores.

    Attributes:
        name: of the class or label.
        facts: cells in front of the scores: counts and the like.
        scores: with their intervals; empty where nothing could be scored.
        beside: what stands below the first score where it has no interval.
        hint: what stands below the first fact.
        absent: why there are no scores.
    """

    name: str
    facts: tuple[str, ...]
    scores: tuple[Interval, ...]
    beside: str = ""
    hint: str = ""
    absent: str = ""


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Scores by class or label; the first score is drawn on a line from 0 to 1 too.

    Attributes:
        what: a row is, such as Class.
        facts: heads of the cells in front of the scores.
        scores: heads of the scores.
        rows: one for each class or label.
    """

    what: str
    facts: tuple[str, ...]
    scores: tuple[str, ...]
    rows: tuple[ScoreRow, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Counts of true (rows) and given (columns) classes.

    Attributes:
        names: C classes.
        counts: [C, C].
    """

    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot.

    Attributes:
        name: for the legend; empty for none.
        x: along.
        y: up; as many.
        low: lower ends of the intervals of y, or empty.
        high: upper ends.
        value: by which lines are ordered, the hardest first; NaN leaves the order.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    value: float = float("nan")


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines in one frame.

    Attributes:
        title: over it.
        x_label: below it.
        y_label: beside it.
        lines: at least one.
        form: ``ranking`` and ``calibration`` are squares of shares with a diagonal; ``free`` fits
            its axes to the lines.
        caption: below the figure.
        words: what it shows, for those who cannot see it.
    """

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    form: str = "free"
    caption: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A plain table of text.

    Attributes:
        head: names of the columns.
        rows: cells; the first of a row is its name.
        title: over it.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""


Content = ScoreTable | Matrix | Plot | Grid
"""What a section of the report can show."""


@dataclass(frozen=True, slots=True)
class ScoreSection:
    """A section of a report.

    Attributes:
        anchor: its id in the page.
        label: in the list of contents.
        title: over it.
        lead: how to read it, one or two sentences.
        content: in this order; plots that follow each other stand in one row.
    """

    anchor: str
    label: str
    title: str
    lead: str = ""
    content: Sequence[Content] = field(default_factory=tuple)
