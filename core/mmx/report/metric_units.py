"""How a metric and its differences are written: shares in per cent, others plain or with a unit."""

from mmx.interfaces import MetricWords
from mmx.report.wording import NONE, formed, known

LOWER = "lower is better"


def in_per_cent(words: MetricWords) -> bool:
    """Whether values are written in per cent, and differences in points."""
    return words.form.endswith("%")


def plain_score(value: float | None, words: MetricWords) -> str:
    """A score for a cell of a table: "71.3 %" of a share, else "0.940"."""
    return formed(value, words.form)


def scored(value: float | None, words: MetricWords) -> str:
    """A score for a sentence, with its unit: "71.3 %", "0.940", "3.42 years"."""
    told = plain_score(value, words)
    return f"{told} {words.unit}" if words.unit and known(value) else told


def gap(value: float, words: MetricWords) -> str:
    """A difference: "+3.1" points of a share, else "+0.031"."""
    if not known(value):
        return NONE
    told = f"{100 * value:+.1f}" if in_per_cent(words) else format(value, f"+{words.form}")
    return told if told.strip("+-0.") else f"+{told[1:]}"  # a tiny loss is none


def gap_range(low: float, high: float, words: MetricWords) -> str:
    """The ends of a difference."""
    return f"{gap(low, words)} to {gap(high, words)}"


def size(value: float, words: MetricWords) -> str:
    """How large a difference is, without its sign or unit."""
    return f"{100 * value:.1f}" if in_per_cent(words) else format(value, words.form)


def unit(words: MetricWords) -> str:
    """What stands behind a difference: " points" of a share, " years", or nothing."""
    own = "points" if in_per_cent(words) else words.unit
    return f" {own}" if own else ""


def head(words: MetricWords) -> str:
    """A metric over a column: "Accuracy, %", "Mean absolute error, years; lower is better"."""
    own = "%" if in_per_cent(words) else words.unit
    told = f"{words.title}, {own}" if own else words.title
    return f"{told}; {LOWER}" if words.lower else told


def named(words: MetricWords) -> str:
    """A metric within a sentence: "balanced accuracy", "macro AUROC", "R2"."""
    first, rest = words.title[:1], words.title[1:]
    return first.lower() + rest if rest[:1].islower() else words.title


def directed(words: MetricWords) -> str:
    """The same, which says so where lower is better."""
    return f"{named(words)} ({LOWER})" if words.lower else named(words)
