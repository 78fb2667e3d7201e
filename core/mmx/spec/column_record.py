"""The record as a modality of its own, instead of sentences about it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mmx.errors import DataError
from mmx.spec import column_cells as cells_of
from mmx.spec import column_names as names_of
from mmx.spec.column_facts import ask_of_codes
from mmx.spec.column_found import Columns
from mmx.spec.column_roles import cells_as_texts

if TYPE_CHECKING:
    from pandas import DataFrame

_DAY = re.compile(
    r"^(?:(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})|(\d{1,2})\.(\d{1,2})\.(\d{4}))([ T].*)?$"
)
_LATER = 0.95  # share of rows in which an examination must come after the event

Values = Mapping[str, Sequence[str]]


def with_record(columns: Columns, table: "DataFrame") -> Columns:
    """The same with an encoder of the record, which reads each fact by itself.

    A date of the examination and one of an event before it, such as the onset, become the days
    between them. A date of birth is not read: it names a person, and an age says as much. Numbers
    such as -1, where no other is negative, are read as missing.

    Args:
        columns: what is guessed of a table.
        table: its rows.

    Raises:
        DataError: the table holds no facts.
    """
    if not columns.record:
        raise DataError("--record: the table holds no facts of the patient; leave it out")
    names = [name for name in (*columns.record, *columns.left_out) if name in table.columns]
    values = cells_as_texts(table, names)
    since = _since({name: values[name] for name in columns.left_out if name in values}, columns)
    asked = ask_of_codes(columns.record, values)
    found = {name: cells_of.code_for_missing(values[name]) for name in columns.record}
    codes = {name: [int(code)] for name, code in found.items() if code}
    dates = dict.fromkeys((*since, *since.values()))
    why = _why(since, codes)
    kept = {name: one for name, one in columns.left_out.items() if name not in dates}
    told = {} if columns.text is not None else {"text": "no column holds sentences"}
    encoder: dict[str, object] = {"type": "tabular"}
    encoder |= {"since": since} if since else {}
    encoder |= {"missing_codes": codes} if codes else {}
    return replace(
        columns,
        record=(*columns.record, *dates),
        left_out=kept,
        encoder=encoder,
        reasons={**columns.reasons, **told, "encoder": why},
        questions=tuple(one for one in columns.questions if one not in asked),
    )


def _why(since: Mapping[str, str], codes: Mapping[str, Sequence[int]]) -> str:
    told = ["each fact is read by itself, by --record"]
    told += [f"days from {event!r} to {exam!r}" for exam, event in since.items()]
    told += [
        f"{code[0]} in {name!r} is its only negative number, and read as missing"
        for name, code in codes.items()
    ]
    return "; ".join(told)


def _since(values: Values, columns: Columns) -> dict[str, str]:
    """The date of an examination -> that of an event before it; empty without such a pair."""
    dates = {
        name: cells for name, cells in values.items() if cells_of.share(cells, _DAY.match) == 1
    }
    exams = [name for name in dates if names_of.says(name, names_of.EXAMINED)]
    events = [name for name in dates if names_of.says(name, names_of.ONSETS)]
    for exam in exams:
        for event in events:
            agrees = not columns.cases.differing({one: dates[one] for one in (exam, event)})
            if exam != event and agrees and _follows(dates[exam], dates[event]):
                return {exam: event}
    return {}


def _follows(exam: Sequence[str], event: Sequence[str]) -> bool:
    pairs = [(_day(one), _day(other)) for one, other in zip(exam, event, strict=True)
             if one and other]  # fmt: skip
    return sum(one >= other for one, other in pairs) >= _LATER * max(len(pairs), 1) > 0


def _day(cell: str) -> tuple[int, ...]:
    """Year, month and day."""
    found = _DAY.match(cell)
    parts = found.groups()[:6] if found else ()
    own = parts[:3] if parts and parts[0] else parts[:2:-1]
    return tuple(map(int, own))
