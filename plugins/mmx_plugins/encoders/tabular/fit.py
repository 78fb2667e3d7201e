"""Which columns an encoder reads, and their statistics, from training rows alone.

Left out, with the reason: what the data set excludes; dates, unless ``since`` or ``cyclic`` makes
numbers of them; columns of one value; categories that name rows rather than kinds of rows.
"""

from collections.abc import Mapping, Sequence

from mmx.errors import DataError
from mmx.interfaces import Record
from mmx_plugins.encoders.tabular.cells import as_stated, word
from mmx_plugins.encoders.tabular.columns import Column, FittedTable, Origin
from mmx_plugins.encoders.tabular.dates import asks_for_order, read_date
from mmx_plugins.encoders.tabular.fit_column import LeftOutError, fit_column
from mmx_plugins.encoders.tabular.rules import Rules


def fit_table(records: Sequence[Record], rules: Rules, excluded: Mapping[str, str]) -> FittedTable:
    """Fit the columns of training records.

    Args:
        records: of the training rows.
        rules: how to read them.
        excluded: fields that must not be read, and why.

    Raises:
        DataError: the settings name a field that is excluded or that no record has, or nothing is
            left to read.
    """
    fields = sorted({name for record in records for name in record})
    _check_names(fields, rules, excluded)
    left_out = {name: excluded[name] for name in fields if name in excluded}
    if rules.columns is not None:
        others = set(fields) - set(rules.columns) - set(left_out)
        left_out |= dict.fromkeys(others, "the setting columns does not name it")
    read = as_stated(records, rules.missing_codes, rules.dates)
    _check_dates(read, rules)
    columns: dict[str, Column] = {}
    notes: list[str] = []
    for origin in _origins([name for name in fields if name not in left_out], rules):
        try:
            columns[origin.name] = fit_column(origin, read, rules, notes)
        except LeftOutError as reason:
            left_out[origin.name] = str(reason)
    if not columns:
        told = "; ".join(f"{name!r}: {why}" for name, why in sorted(left_out.items()))
        raise DataError(f"encoder.tabular has no column to read: {told or 'records are empty'}")
    return FittedTable(
        rows=len(records),
        columns=tuple(columns[name] for name in sorted(columns)),
        left_out=dict(sorted(left_out.items())),
        notes=tuple(notes),
    )


def _check_names(fields: Sequence[str], rules: Rules, excluded: Mapping[str, str]) -> None:
    """Refuse settings that name what cannot be read."""
    for name in sorted(rules.named):
        if name in excluded:
            raise DataError(f"encoder.tabular must not read {name!r}: {excluded[name]}")
        if name not in fields:
            known = ", ".join(map(repr, fields)) or "none"
            raise DataError(f"encoder.tabular: records have no field {name!r}; there is: {known}")


def _check_dates(records: Sequence[Record], rules: Rules) -> None:
    """Ask for the order of day and month where cells do not say it, and refuse one that fails."""
    for name in sorted({*rules.since, *rules.since.values(), *rules.cyclic, *rules.dates}):
        cells = (record.get(name) for record in records)
        odd = next((one for one in cells if asks_for_order(one)), None)
        if odd is not None:
            raise DataError(
                f"encoder.tabular: {name!r} holds {odd!r}, and nothing says whether the day or the "
                f"month stands first; set dates: {{{name}: day_first}} or {{{name}: month_first}}"
            )
        for one in (record.get(name) for record in records) if name in rules.dates else ():
            if word(one) is not None and read_date(one) is None:
                raise DataError(
                    f"encoder.tabular: dates says {name}: {rules.dates[name]}, and {one!r}, year "
                    "first, is no date"
                )


def _origins(fields: Sequence[str], rules: Rules) -> list[Origin]:
    """Every column that may be read: fields, and what is made of dates."""
    found = [Origin(how="field", fields=(name,)) for name in fields]
    found += [Origin(how="days", fields=pair) for pair in sorted(rules.since.items())]
    for name, cycle in sorted(rules.cyclic.items()):
        found += [Origin.model_validate({"how": f"{cycle} {wave}", "fields": (name,)})
                  for wave in ("sin", "cos")]  # fmt: skip
    return found
