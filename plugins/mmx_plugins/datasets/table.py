"""One's own table with a row per case: a file of any format that a reader is for.

Rows are counted as a spreadsheet shows them: the header is row 1. Paths of images are relative to
``root`` (the folder of the table unless stated) and may not leave it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmx import DataError, Dataset, Params, Sample, TableRows, hookimpl
from mmx.errors import SettingsError
from mmx.interfaces import Facts, FilesRead, RejectedRow
from mmx_plugins.datasets._table import TableSettings


class TableParams(TableSettings):
    """A table with columns for images, text, label and group; at least images or a text."""

    def build(self) -> "Table":
        return Table(self)

    def open(self, told: FilesRead) -> "Table":
        return Table(self, told)


class Table(Dataset):
    """Rows of the table that can be used."""

    def __init__(self, params: TableParams, told: FilesRead | None = None) -> None:
        found, layout = params.read(), params.layout()
        layout.check(found.cells.columns, str(params.path))
        named = (*params.labels.columns, *params.labels.each)
        lacking = [name for name in named if name not in found.cells.columns]
        if lacking:
            words = f"{params.path} has no column {', '.join(map(repr, lacking))} of labels"
            raise SettingsError([(("labels",), words)])
        self._params, self._left_out = params, found.left_out
        roles = {*layout.by_row.columns, *layout.joining, *named}
        spare = [name for name in map(str, found.cells.columns) if name not in roles]
        self._rows = TableRows.of_cases(layout, found, params.path.parent, told)
        self._spare = self._rows.agreeing(found, spare)
        self._rejected = [*self._rows.rejected]
        self.classes = params.classes or self._rows.classes()
        self.facts = Facts(
            params.synonyms,
            params.leak_columns,
            params.allowed_views,
            notes=self._rows.notes,
            group=params.grouped_by,
            missing=self._rows.missing,
        )

    def samples(self) -> Sequence[Sample]:
        return self._rows

    def rejected(self) -> Sequence[RejectedRow]:
        return self._rejected

    def column(self, name: str) -> Sequence[str]:
        params = self._params
        read = (*params.record, *params.layout().texts, params.label, *params.labels.each)
        if name in read:
            raise DataError(
                f"the split column {name!r} is also what the model reads or learns; take it out of "
                "the record, for a split is no fact of the patient"
            )
        found = params.read()
        if name not in found.cells.columns:
            there = ", ".join(map(str, found.cells.columns))
            raise DataError(
                f"{params.path} has no column {name!r} for the split; there are {there}"
            )
        return self._rows.further(found, name)

    def spare(self) -> Sequence[str]:
        return self._spare

    def names(self) -> Mapping[str, Sequence[str]]:
        return self._rows.names(self._params.layout())

    def text_files(self) -> Mapping[str, Sequence[Path | None]]:
        return self._rows.text_files

    def indices(self) -> Sequence[int]:
        if self._params.case or self._left_out:
            return ()
        places: list[int] = self._rows.rows.tolist()
        return places


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this data set."""
    return [TableParams]
