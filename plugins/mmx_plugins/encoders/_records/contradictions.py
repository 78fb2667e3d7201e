"""Settings that the training records contradict, each with its key."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from mmx.interfaces import Record, Value
from mmx_plugins.encoders._records.cells import number, word
from mmx_plugins.encoders._records.dates import asks_for_order, in_order, read_date
from mmx_plugins.encoders._records.rules import Rules

Faults = Iterator[tuple[tuple[str | int, ...], str]]


def contradictions(
    records: Sequence[Record], fields: Sequence[str], rules: Rules, excluded: Mapping[str, str]
) -> Faults:
    """Every fault, by its key.

    Args:
        records: of the training rows, without cells that are declared to mean missing.
        fields: that any of them has.
        rules: the settings.
        excluded: fields that must not be read, and why.
    """
    for name in sorted(rules.named):
        cells = [record.get(name) for record in records]
        if name in excluded:
            words = f"an encoder of records must not read {name!r}: {excluded[name]}"
            yield from ((place, words) for place in rules.places(name))
        elif name not in fields:
            words = f"records have no field {name!r}; {_instead(name, fields, excluded)}"
            yield from ((place, words) for place in rules.places(name))
        else:
            yield from _of_dates(name, cells, rules)
            yield from _of_numbers(name, cells, rules)


def _instead(name: str, fields: Sequence[str], excluded: Mapping[str, str]) -> str:
    """The nearest field that may be read, else all of them."""
    known = {one.casefold(): one for one in fields if one not in excluded}
    close = get_close_matches(name.casefold(), known, n=1)
    every = ", ".join(known.values()) or "none"
    return f"nearest: {known[close[0]]}" if close else f"there are: {every}"


def _of_dates(name: str, cells: Sequence[Value], rules: Rules) -> Faults:
    """Ask for the order of day and month where cells do not say it, and refuse one that fails."""
    place = next((one for one in rules.places(name) if one[0] in ("since", "cyclic")), None)
    order = rules.dates.get(name)
    odd = next((one for one in cells if asks_for_order(one)), None)
    if order is None and odd is not None and place is not None:
        words = (
            f"{name!r} holds {odd!r}, and nothing says whether the day or the month stands "
            f"first; set dates: {{{name}: day_first}} or {{{name}: month_first}}"
        )
        yield place, words
    if order is not None:
        filled = (one for one in cells if word(one) is not None)
        wrong = next((one for one in filled if read_date(in_order(one, order)) is None), None)
        if wrong is not None:
            yield ("dates", name), f"read as {order}, {wrong!r} is no date"


def _of_numbers(name: str, cells: Sequence[Value], rules: Rules) -> Faults:
    """Refuse to read a column as numbers most of which are none."""
    if rules.kinds.get(name) != "number":
        return
    filled = [one for one in cells if word(one) is not None]
    strange = [one for one in filled if number(one) is None]
    if 2 * len(strange) > len(filled):
        words = (
            f"{name!r} shall be a number and most of its cells are none, such as "
            f"{strange[0]!r}; set kinds: {{{name}: category}}"
        )
        yield ("kinds", name), words
