"""Confusion matrices and nested plain data as rows and cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from mmx.interfaces import MetricWords
from mmx.report.wording import count, metric_title, percent, plain, title

ROWS = 25  # of a list; the run directory holds the rest
STOPS = ((255, 255, 255), (158, 202, 225), (33, 113, 181), (8, 48, 107))  # light to dark blue


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a confusion matrix.

    Attributes:
        count: samples.
        share: of the row, in [0, 1].
        colour: of the background.
        dark: the background is dark, so that the text must be light.
    """

    count: int
    share: float
    colour: str
    dark: bool


def confusion_cells(confusion: Sequence[Sequence[int]]) -> list[list[Cell]]:
    """Cells whose colour is the share of their row; an empty row stays white."""
    return [[_cell(count, sum(row)) for count in row] for row in confusion]


def _cell(count: int, total: int) -> Cell:
    share = count / total if total else 0.0
    return Cell(count, share, share_colour(share), share > 0.45)


def share_colour(share: float) -> str:
    """A colour between the stops, for a share in [0, 1]."""
    place = min(share, 1.0) * (len(STOPS) - 1)
    index = min(int(place), len(STOPS) - 2)
    mixed = (
        round(low + (high - low) * (place - index))
        for low, high in zip(STOPS[index], STOPS[index + 1], strict=True)
    )
    return "#{:02x}{:02x}{:02x}".format(*mixed)


@dataclass(frozen=True, slots=True)
class Table:
    """A small table of text.

    Attributes:
        title: over the table; empty for none.
        head: names of the columns.
        rows: cells as text, the first of a row being its name.
        more: how many rows were left out.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0

    @property
    def numbers(self) -> frozenset[int]:
        """Columns that hold numbers only, to be set flush right."""
        columns = zip(*self.rows, strict=True)
        return frozenset(place for place, cells in enumerate(columns) if all(map(_numeric, cells)))


def _numeric(cell: str) -> bool:
    return (cell[:1].isdigit() and cell[-1:].isdigit()) or cell in {"–", ""} or cell[:1] == "-"


def part_table(
    parts: Mapping[str, Mapping[str, Mapping[str, int]]], sizes: Mapping[str, Mapping[str, int]]
) -> Table:
    """Samples and groups of each class in each part, and of the whole part.

    Args:
        parts: part to class to ``{"samples": ..., "groups": ...}``.
        sizes: the same of each part; a row may have several labels, so they are no sums.
    """
    classes = list(dict.fromkeys(chain.from_iterable(parts.values())))
    head = [f"{title(part)}: {what}" for part in parts for what in ("samples", "groups")]
    rows = [
        [parts[part].get(name, {}).get(what, 0) for part in parts for what in ("samples", "groups")]
        for name in classes
    ]
    cells = [(name, *map(count, row)) for name, row in zip(classes, rows, strict=True)]
    whole = [sizes.get(part, {}).get(what, 0) for part in parts for what in ("samples", "groups")]
    cells.append(("all samples", *map(count, whole)))
    return Table("Samples and groups per part", ("", *head), tuple(cells))


def uneven_table(uneven: Sequence[Mapping[str, Any]]) -> Table:
    """Labels that a part has more or less of than all parts together.

    Args:
        uneven: ``label``, ``part``, ``share`` and ``overall`` of each.
    """
    rows = tuple(
        (str(one["label"]), str(one["part"]), percent(one["share"]), percent(one["overall"]))
        for one in uneven[:ROWS]
    )
    head = ("Label", "Part", "Share there", "Share in all parts")
    heading = "Labels whose share in a part is more than two points off"
    return Table(heading, head, rows, max(len(uneven) - ROWS, 0))


def epoch_table(
    history: Sequence[Mapping[str, object]], described: Mapping[str, MetricWords]
) -> Table:
    """Everything that was recorded, one row per epoch, with the task's words on scores."""
    rows = [_flat(record, number, described) for number, record in enumerate(history)]
    head = list(dict.fromkeys(chain.from_iterable(rows)))
    cells = tuple(tuple(_recorded(row.get(name)) for name in head) for row in rows)
    return Table("", tuple(head), cells)


def _recorded(value: object) -> str:
    """Losses and scores with the same number of digits; very small and large ones shorter."""
    usual = isinstance(value, float) and (value == 0 or 1e-3 <= abs(value) < 1e3)
    return f"{value:.4f}" if usual else plain(value)


def _flat(
    record: Mapping[str, Any], number: int, described: Mapping[str, MetricWords]
) -> dict[str, object]:
    """One level of names; epochs count from 1 as people do."""
    flat: dict[str, Any] = {"Epoch": int(record.get("epoch", number)) + 1}
    for key, value in record.items():
        if key == "epoch":
            continue
        if key == "validation" and isinstance(value, Mapping):
            flat |= {metric_title(name, described): one for name, one in value.items()}
        elif isinstance(value, Mapping):
            flat |= {f"{title(key)}: {name}": one for name, one in value.items()}
        else:
            flat[title(key)] = value
    return flat


def as_tables(values: Mapping[str, object], name: str = "") -> list[Table]:
    """Plain nested data as tables: scalars together, then one table for each that has parts."""
    nested = {key: value for key, value in values.items() if _has_parts(value)}
    scalars = [
        (key.replace("_", " "), _text(value)) for key, value in values.items() if key not in nested
    ]
    tables = [Table(name, ("", ""), tuple(scalars))] if scalars else []
    for key, value in nested.items():
        label = f"{name}: {title(key)}" if name else title(key)
        tables += _nested(value, label)
    return tables


def _nested(value: Any, label: str) -> list[Table]:
    if isinstance(value, Mapping):
        inner = list(value.values())
        if all(isinstance(each, Mapping) and not _deep(each) for each in inner):
            return [_crossed(value, label)]
        return as_tables(value, label)
    return [_listed(value, label)]


def _crossed(value: Mapping[str, Mapping[str, object]], label: str) -> Table:
    """Two levels of names as rows and columns, the longer side down."""
    outer = list(value)
    inner = list(dict.fromkeys(key for each in value.values() for key in each))
    if len(inner) > len(outer):
        down, right = inner, outer
        rows = [[value[column].get(row) for column in right] for row in down]
    else:
        down, right = outer, inner
        rows = [[value[row].get(column) for column in right] for row in down]
    cells = tuple((row, *map(plain, cells)) for row, cells in zip(down, rows, strict=True))
    return Table(label, ("", *right), cells)


def _listed(rows: Sequence[Mapping[str, object]], label: str) -> Table:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = tuple(tuple(_text(row.get(column)) for column in columns) for row in rows[:ROWS])
    return Table(label, tuple(map(title, columns)), cells, max(0, len(rows) - ROWS))


def _has_parts(value: object) -> bool:
    """A mapping with something in it, or a list of mappings."""
    if isinstance(value, Mapping):
        return bool(value)
    if not isinstance(value, list | tuple):
        return False
    return bool(value) and all(isinstance(each, Mapping) for each in value)


def _deep(value: Mapping[str, object]) -> bool:
    return any(isinstance(each, Mapping | list | tuple) for each in value.values())


def _text(value: object) -> str:
    """Scalars as text, lists joined by commas, long ones cut."""
    if isinstance(value, list | tuple):
        between = "; " if any(isinstance(each, list | tuple) for each in value) else ", "
        shown = between.join(_text(each) for each in value[:ROWS])
        more = f" and {len(value) - ROWS} more" if len(value) > ROWS else ""
        return f"{shown}{more}" or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_text(each)}" for key, each in value.items()) or "none"
    return plain(value)
