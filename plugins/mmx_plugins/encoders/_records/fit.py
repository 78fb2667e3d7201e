"""Which columns an encoder reads, and their statistics, from training rows alone.

Left out, with the reason: what the data set excludes; dates, unless ``since`` or ``cyclic`` makes
numbers of them; columns of one value; categories that name rows rather than kinds of rows.
"""

from collections.abc import Mapping, Sequence

from mmx.errors import SettingsError
from mmx.interfaces import Record
from mmx_plugins.encoders._records.cells import as_stated
from mmx_plugins.encoders._records.columns import Column, FittedTable, Origin
from mmx_plugins.encoders._records.contradictions import contradictions
from mmx_plugins.encoders._records.fit_column import LeftOutError, fit_column
from mmx_plugins.encoders._records.rules import Rules


def fit_table(records: Sequence[Record], rules: Rules, excluded: Mapping[str, str]) -> FittedTable:
    """Fit the columns of training records.

    Args:
        records: of the training rows.
        rules: how to read them.
        excluded: fields that must not be read, and why.

    Raises:
        SettingsError: the settings name a field that is excluded or that no record has, or its
            cells are of another kind than they say, or nothing is left to read.
    """
    fields = sorted({name for record in records for name in record})
    read = as_stated(records, rules.missing_codes, {})
    faults = [*contradictions(read, fields, rules, excluded)]
    if faults:
        raise SettingsError(faults)
    left_out = {name: excluded[name] for name in fields if name in excluded}
    if rules.columns is not None:
        others = set(fields) - set(rules.columns) - set(left_out)
        left_out |= dict.fromkeys(others, "the setting columns does not name it")
    read = as_stated(read, {}, rules.dates)
    columns: dict[str, Column] = {}
    notes: list[str] = []
    for origin in _origins([name for name in fields if name not in left_out], rules):
        try:
            columns[origin.name] = fit_column(origin, read, rules, notes)
        except LeftOutError as reason:
            left_out[origin.name] = str(reason)
    if not columns:
        told = "; ".join(f"{name!r}: {why}" for name, why in sorted(left_out.items()))
        words = f"it has no column to read: {told or 'records are empty'}"
        raise SettingsError([((), words)])
    return FittedTable(
        rows=len(records),
        columns=tuple(columns[name] for name in sorted(columns)),
        left_out=dict(sorted(left_out.items())),
        notes=tuple(notes),
    )


def _origins(fields: Sequence[str], rules: Rules) -> list[Origin]:
    """Every column that may be read: fields, and what is made of dates."""
    found = [Origin(how="field", fields=(name,)) for name in fields]
    found += [Origin(how="days", fields=pair) for pair in sorted(rules.since.items())]
    for name, cycle in sorted(rules.cyclic.items()):
        found += [Origin.model_validate({"how": f"{cycle} {wave}", "fields": (name,)})
                  for wave in ("sin", "cos")]  # fmt: skip
    return found
