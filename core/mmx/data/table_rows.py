"""Rows of a table as samples, by a layout that says which column holds what.

Rows are counted as a spreadsheet shows them: the header is row 1. Paths of images are relative to a
root folder and may not leave it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from mmx.blocks import missing_words
from mmx.data.cell_labels import labels_of_cells, single_labels, unread_names
from mmx.data.cell_parts import parts_of_cells
from mmx.data.cells import Faults, boxes_of, paths_of, read_column, texts_of, values_of
from mmx.data.field_columns import rows_without_content
from mmx.data.gathering import Gathering
from mmx.data.image_cells import image_cells, images_in
from mmx.data.image_paths import leaving, placed
from mmx.data.named_files import NamedFiles
from mmx.data.one_hot import one_hot_labels
from mmx.data.text_files import texts_of_files, undeclared_files, with_written
from mmx.data.words_among_numbers import number_notes
from mmx.errors import DataError
from mmx.interfaces import Box, FieldKind, FilesRead, Layout, RejectedRow, Sample, TableContents

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from mmx.data.cells import Cells
    from mmx.interfaces import RowNumbers


class TableRows(Sequence[Sample]):
    """Builds each Sample when it is asked for, so that a million rows take little memory.

    Attributes:
        rows: [n], place in the table of each row that can be used, from 0.
        faults: place of each other row -> why it cannot be used.
        missing: column -> word -> how many cells held it and were read as missing.
        alone: rows without a group that stand for themselves.
    """

    alone = 0

    # parameters: what else is known of a table, each of which most callers leave out
    def __init__(
        self,
        layout: Layout,
        table: "DataFrame",
        folder: Path,
        kinds: Mapping[str, FieldKind] | None = None,
        faults: Mapping[int, str] | None = None,
        told: FilesRead | None = None,
        numbers: "RowNumbers | None" = None,
    ) -> None:
        """Read the columns.

        Args:
            layout: which column holds what.
            table: as ``read_table`` gives it.
            folder: of the images, where the layout names none.
            kinds: of fields of the record, as they are known already; of the others the column
                itself decides.
            faults: place of a row in the table -> why its reader says that it cannot be used.
            told: how many of how many text files are read.
            numbers: of the rows; None: from 2 on.
        """
        self.faults: Faults = dict(faults or {})
        self.missing: dict[str, Mapping[str, int]] = {}
        self._notes: tuple[str, ...] = ()
        self._layout = layout
        self._numbers, self._told = numbers or TableContents(table).numbers, told
        self._roots = [one.absolute() for one in (layout.root or folder, *layout.roots)]
        self._read_files(table)
        self._boxes = {
            modality: [self._box(table, names) for names in places]
            for modality, places in layout.boxes.items()
        }
        self._id = self._named(table, layout.id)
        self._group = self._groups(table)
        self._read_labels(table)
        self._read_record(table, kinds or {})
        self.faults.update(rows_without_content(self._paths, self._record, len(table)))
        unusable = np.fromiter(self.faults, np.int64, len(self.faults))
        self.rows = np.setdiff1d(np.arange(len(table)), unusable)

    @classmethod
    def of_cases(
        cls, layout: Layout, found: TableContents, folder: Path, told: FilesRead | None = None
    ) -> "TableRows":
        """The rows of a table that a reader gave, those of each case gathered where it is long.

        Args:
            layout: whose columns are there.
            found: the table.
            folder: of the images, where neither the layout nor the table names one.
            told: how many of how many text files are read.

        Raises:
            SettingsError: no row shows one of the views.
        """
        gathering = Gathering(found, layout)
        gathering.check_views()
        cases = gathering.contents
        rows = cls(
            layout, cases.cells, found.folder or folder, faults=cases.faults, told=told,
            numbers=found.numbers,
        )  # fmt: skip
        rows._notes = (*cases.notes, *rows._notes)
        return rows

    def further(self, found: TableContents, name: str) -> Sequence[str]:
        """A column of the table that no sample carries, as strings, for the rows that can be used.

        Raises:
            DataError: rows of one case differ in it.
        """
        return self.cells(Gathering(found, self._layout).column(name))

    def agreeing(self, found: TableContents, names: Sequence[str]) -> tuple[str, ...]:
        """Those of these columns that are the same in all rows of each case."""
        gathering = Gathering(found, self._layout)
        return tuple(name for name in names if gathering.constant(name))

    def _read_files(self, table: "DataFrame") -> None:
        """Paths of images, and of files of other kinds, below the roots."""
        layout, roots = self._layout, self._roots
        cells = {
            name: image_cells(table[name], lambda column: paths_of(column, self._read(column)))
            for name in layout.image_columns
        }
        named = NamedFiles(layout, roots)
        self._paths = named.images(cells)
        texts = {
            name: with_written(table[name].tolist(), self._names(table, name))
            for name in layout.text_files
        }
        self._text_files = named.texts(texts)
        self.faults.update(named.faults)
        self._notes = (*self._notes, *named.notes)
        self._paths |= {name: self._names(table, name) for name in layout.inputs.values()}
        for name, paths in self._paths.items():
            self.faults.update(leaving(paths, roots, name, layout.follow_links))
        files = {name: placed(paths, roots) for name, paths in self._paths.items()}
        self._files = {
            modality: [files[name] for name in names] for modality, names in layout.images.items()
        }
        self._inputs = {modality: files[name] for modality, name in layout.inputs.items()}

    def _read_labels(self, table: "DataFrame") -> None:
        layout = self._layout
        self._label: Cells | None = None
        self._each = {
            name: self._cells(table, name) for name in layout.labels.each if name in table.columns
        }
        if layout.label is not None:
            cells = self._cells(table, layout.label)
            self._notes += unread_names(layout.label, cells, layout.labels)
            if layout.labels.several == "each":
                self._each = labels_of_cells(cells, layout.labels, layout.classes)
            else:
                self._label = single_labels(cells, layout.labels, layout.classes)
        if set(layout.labels.columns) & set(table.columns):
            self._label = self._one_hot(table)

    def _read_record(self, table: "DataFrame", given: Mapping[str, FieldKind]) -> None:
        """Fields of the record, and the text among them, by the kinds that are known of them."""
        layout = self._layout
        self._roles = {str(role): name for role, name in layout.roles.items()}
        if layout.texts:
            self._roles["text"] = layout.texts[0]
        kinds = dict(given)
        for name in layout.texts:
            kinds[name] = "word"
        cells = {name: self._cells(table, name) for name in (*layout.record, *layout.texts)
                 if name not in layout.text_files}  # fmt: skip
        self._notes = (*self._notes, *undeclared_files(cells, layout.texts))
        cells |= {name: self._texts_in_files(table, name) for name in layout.text_files}
        self._record = {
            name: self._values(name, one, kinds.get(name)) for name, one in cells.items()
        }

    def _texts_in_files(self, table: "DataFrame", name: str) -> "Cells":
        """What stands in the files that a column names; one that cannot be read is a fault."""
        names = self._text_files[name]
        found = texts_of_files(table[name], names, self._roots, self._layout, self._told)
        self._text_files[name] = found.files
        self.faults = {**found.faults, **self.faults}  # a name of two files is told as that
        self._notes = (*self._notes, *found.notes)
        return self._read(table[name]._constructor(found.texts.tolist(), name=name))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user must know of how these rows were read, in sentences."""
        told = f"{self.alone} rows have no group, and each stands for itself (group_missing: alone)"
        return (*self._notes, *((told,) if self.alone else ()), *missing_words(self.missing))

    @property
    def text_files(self) -> dict[str, list[Path | None]]:
        """By column the file that the text of each row lies in, for the rows that can be used."""
        return {
            name: [one if isinstance(one, Path) else None for one in files[self.rows].tolist()]
            for name, files in self._text_files.items()
        }

    @property
    def numbered(self) -> bool:
        """Whether rows have no ids but their numbers."""
        return self._id is None

    def name(self, row: int) -> str:
        """The id of a row by its place in the table, or the number that a spreadsheet shows."""
        return str(self._numbers.of(row)) if self._id is None else str(self._id[row])

    @property
    def rejected(self) -> list[RejectedRow]:
        """Rows that cannot be used, with the reason."""
        return [RejectedRow(self._place(row), self.faults[row]) for row in sorted(self.faults)]

    def _place(self, row: int) -> str:
        """Where a reader of the table finds a row, or the rows of a case."""
        long = self._layout.long_table is not None
        return f"case {self.name(row)}" if long else f"row {self._numbers.of(row)}"

    def classes(self) -> tuple[str, ...]:
        """Labels in the table, sorted; DataError without a column of labels.

        Where a case may have several labels, the columns of labels in their order.
        """
        if self._layout.labels.each or self._layout.labels.several == "each":
            return self._layout.labels.each or tuple(self._each)
        if self._label is None:
            raise DataError("without a label column, state the classes: classes: [a, b]")
        return tuple(sorted(set(self._label[self.rows]) - {""}))

    def cells(self, column: "Series[Any]") -> Sequence[str]:
        """A column of the table as strings, for the rows that can be used."""
        cells: Sequence[str] = texts_of(column)[self.rows].tolist()
        return cells

    def names(self, layout: Layout) -> dict[str, Sequence[str]]:
        """Ids, then paths of images, by column, for the rows that can be used."""
        found = {} if layout.id is None or self._id is None else {layout.id: self._id}
        found |= self._paths
        return {
            column: [str(cell) for cell in cells[self.rows].tolist()]
            for column, cells in found.items()
        }

    def record_columns(self, rows: Sequence[int]) -> Mapping[str, Sequence[object]]:
        """Fields of the records of these samples, without making one."""
        places = self.rows[np.asarray(rows, dtype=np.int64)]
        return {name: values[places].tolist() for name, values in self._record.items()}

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | Sequence[Sample]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        return self._sample(int(self.rows[index]))

    def _sample(self, row: int) -> Sample:
        images = {name: images_in(paths, row) for name, paths in self._files.items()}
        shown = [name for name, held in images.items() if any(one is not None for one in held)]
        inputs = {name: paths[row] for name, paths in self._inputs.items() if paths[row]}
        return Sample(
            id=self.name(row),
            group=self._place(row) if self._group is None else self._group[row],
            images={name: images[name] for name in shown},
            boxes={name: tuple(one[row] for one in boxes)
                   for name, boxes in self._boxes.items() if name in shown},
            record={column: values[row] for column, values in self._record.items()},
            label=(self._label[row] or None) if self._label is not None else None,
            labels={name: cells[row] or None for name, cells in self._each.items()},
            own={name: index for name, index in self._layout.own.items() if name in shown},
            numbered=self.numbered,
            roles=self._roles,
            inputs=inputs,
            texts=self._layout.texts,
        )  # fmt: skip

    def _cells(self, table: "DataFrame", name: str) -> "Cells":
        """Texts of a column; what was read as missing is noted."""
        return self._read(table[name])

    def _read(self, column: "Series[Any]") -> "Cells":
        found = read_column(self._layout, column)
        if found.words:
            self.missing[str(column.name)] = found.words
        return found.texts

    def _names(self, table: "DataFrame", name: str) -> "Cells":
        """Names of files as the table has them."""
        return paths_of(table[name], self._cells(table, name))

    def _one_hot(self, table: "DataFrame") -> "Cells":
        """The class of each row, of columns of which one is 1."""
        rule = self._layout.labels
        labels, faults = one_hot_labels(
            rule.columns, [self._cells(table, name) for name in rule.columns]
        )
        self.faults.update(faults)
        return np.array([rule.map.get(name, name) for name in labels.tolist()], dtype=object)

    def _groups(self, table: "DataFrame") -> "Cells | None":
        """The group of each row; a blank cell is a fault, or a group of its own."""
        column = self._layout.group
        if column is None:
            return None
        cells = self._cells(table, column)
        blank = np.flatnonzero(cells == "")
        groups, faults = parts_of_cells(cells, column, self._layout.group_pattern)
        self.faults.update(faults)
        if self._layout.alone:
            self.alone = len(blank)
            groups[blank] = [f"{self._place(row)}, alone" for row in blank.tolist()]
        else:
            self.faults.update(dict.fromkeys(blank.tolist(), f"column {column!r} is empty"))
        return groups

    def _named(self, table: "DataFrame", column: str | None) -> "Cells | None":
        """Names of a column in which no cell may be empty."""
        if column is None:
            return None
        names = self._cells(table, column)
        empty = np.flatnonzero(names == "")
        self.faults.update(dict.fromkeys(empty.tolist(), f"column {column!r} is empty"))
        return names

    def _values(self, column: str, cells: "Cells", kind: FieldKind | None) -> "Cells":
        values, faults = values_of(column, cells, kind)
        self.faults.update(faults)
        self._notes += number_notes(column, cells, kind, values, self._place)
        return values

    def _box(self, table: "DataFrame", columns: Sequence[str]) -> list[Box | None]:
        """The box of each row; None where no cell of it is filled."""
        sides = [
            self._values(column, self._cells(table, column), "number").tolist()
            for column in columns
        ]
        return boxes_of(columns, sides, self.faults)
