"""Numbers and names as a reader wants them."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mmx.blocks import plural_of
from mmx.evaluation import Interval
from mmx.interfaces import MetricWords

NONE = "–"
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def metric_words(
    names: Iterable[str], described: Mapping[str, MetricWords]
) -> dict[str, MetricWords]:
    """Words on metrics: those of the task, else their names."""
    return {**{name: MetricWords(title(name)) for name in names}, **described}


def metric_title(name: str, described: Mapping[str, MetricWords]) -> str:
    """A metric's name for people, as the task has it."""
    return described[name].title if name in described else title(name)


def title(name: str) -> str:
    """A key as words: ``macro_f1`` is "Macro f1"."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def known(value: float | None) -> bool:
    """Whether there is a finite number."""
    return value is not None and math.isfinite(value)


def percent(value: float | None, digits: int = 1) -> str:
    """0.713 is "71.3 %"; a dash where there is no number."""
    return f"{100 * value:.{digits}f}\u202f%" if value is not None and known(value) else NONE


def decimal(value: float | None, digits: int = 3) -> str:
    """0.71321 is "0.713"; a dash where there is no number."""
    return f"{value:.{digits}f}" if value is not None and known(value) else NONE


def formed(value: float | None, form: str) -> str:
    """A number as ``format`` writes it; per cent with a narrow blank, a dash where there is none.

    Args:
        value: a share is one in [0, 1], whatever the form.
        form: such as ``.1%`` or ``.3f``.
    """
    if value is None or not known(value):
        return NONE
    return format(value, form).replace("%", "\u202f%")


def bounds(interval: Interval) -> str:
    """An interval's ends, "0.661 to 0.759", "at least 0.888"; empty where it is not known."""
    return interval.ends()


def count(number: float) -> str:
    """12345 is "12,345"."""
    return f"{number:,.0f}"


def duration(seconds: float | None) -> str:
    """Seconds as "8.4 s", "3 min 20 s" or "1 h 5 min"; a dash where there is no number."""
    if seconds is None or not known(seconds):
        return NONE
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def plain(value: object) -> str:
    """A scalar as text: short numbers, yes and no, a dash for None and NaN."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value) if abs(value) >= 10_000 else str(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def plural(number: int, noun: str) -> str:
    """1 "sample", 2 "samples", 2 "studies"."""
    return f"1 {noun}" if number == 1 else f"{count(number)} {plural_of(noun)}"


def sentence(words: str) -> str:
    """A note with a capital letter and a full stop; a name at its beginning stays as it is.

    A first word with a colon, a point or a bar is the name of a modality, a file or a key.
    """
    first = words.split(" ", 1)[0]
    begun = f"{words[:1].upper()}{words[1:]}" if first.isalpha() else words
    return begun if not begun or begun[-1] in ".!?:)" else f"{begun}."


def visible(value: Any) -> Any:
    """A text whose control characters are shown as a replacement character; markup stays markup."""
    if not isinstance(value, str) or not _CONTROL.search(value):
        return value
    return type(value)(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", value))
