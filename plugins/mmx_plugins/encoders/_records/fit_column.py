"""The statistics of one column, or why it is not read."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from mmx.interfaces import Record, Value
from mmx_plugins.encoders._records.cells import number, word
from mmx_plugins.encoders._records.columns import Category, Column, Number, Origin
from mmx_plugins.encoders._records.dates import asks_for_order, read_date
from mmx_plugins.encoders._records.rules import Kind, Rules
from mmx_plugins.encoders._records.scaling import bin_edges, fit_scale, scaled

_WORDS, _DISTINCT = 4, 20  # more words than that, in more wordings: a text


class LeftOutError(Exception):
    """A column is not read; the words say why. It never leaves ``fit_table``."""


def fit_column(origin: Origin, records: Sequence[Record], rules: Rules, notes: list[str]) -> Column:
    """Fit one column; what a reader should know of it is added to ``notes``.

    Raises:
        LeftOutError: it holds nothing to learn from.
    """
    values = origin.read_all(records)
    filled = [value for value in values if word(value) is not None]
    if not filled:
        raise LeftOutError("no training row has a value")
    kind = rules.kinds.get(origin.name) if origin.how == "field" else "number"
    if kind is None:
        kind = _kind(filled)
    if kind == "number":
        return _number(origin, len(values), filled, rules, notes)
    return _category(origin, len(values), filled, rules)


def _kind(filled: Sequence[Value]) -> Kind:
    """What the known cells of a column are."""
    if all(isinstance(value, float | int) and not isinstance(value, bool) for value in filled):
        return "number"
    if all(asks_for_order(value) or read_date(value) is not None for value in filled):
        raise LeftOutError("a date tells the time of the examination; since or cyclic makes "
                           "numbers of it")  # fmt: skip
    return "category"


def _number(
    origin: Origin, rows: int, filled: Sequence[Value], rules: Rules, notes: list[str]
) -> Number:
    read = [number(value) for value in filled]
    known = np.array([one for one in read if one is not None], dtype=np.float64)
    strange = [value for value, one in zip(filled, read, strict=True) if one is None]
    if strange:
        notes.append(
            f"column {origin.name!r}: {len(strange)} training cells such as {strange[0]!r} are no "
            "numbers and are read as missing"
        )
    if len(np.unique(known)) < 2:
        raise LeftOutError(f"constant: its only value is {known[0]:g}")
    scale = fit_scale(known, quantile=rules.quantile)
    edges = bin_edges(scaled(known, scale), rules.bins) if scale.sd > 0 else ()
    if len(edges) < 2:
        raise LeftOutError(f"constant: its values all round to {known[0]:g}")
    return Number(origin=origin, missing=1 - len(known) / rows, scale=scale, edges=edges)


def _category(origin: Origin, rows: int, filled: Sequence[Value], rules: Rules) -> Category:
    counts = Counter(found for value in filled if (found := word(value)) is not None)
    if len(counts) < 2:
        raise LeftOutError(f"constant: its only value is {next(iter(counts))!r}; a blank is none")
    if len(counts) > _DISTINCT and _words(counts) >= _WORDS:
        raise LeftOutError("a text of several words, which a narrative reads")
    if 2 * len(counts) > rows:
        raise LeftOutError(
            f"like an id: {len(counts)} different values in {rows} training rows; if they are "
            f"numbers, set kinds: {{{origin.name}: number}}"
        )
    values = tuple(sorted(name for name, count in counts.items() if count >= rules.min_count))
    if not values:
        raise LeftOutError(f"each value stands in fewer than {rules.min_count} training rows")
    return Category(
        origin=origin,
        missing=1 - len(filled) / rows,
        values=values,
        mode=max(range(len(values)), key=lambda index: counts[values[index]]),
        other_seen=len(values) < len(counts),
    )


def _words(counts: Counter[str]) -> float:
    """Words in a cell, on average."""
    return sum(len(name.split()) * count for name, count in counts.items()) / counts.total()
