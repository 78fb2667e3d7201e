"""New cases as a table with the columns of the run, however they were given."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmx.blocks import MISSING_WORDS, read_cells, read_plain_text
from mmx.data import Gathering, TableRows, WrittenText, in_memory, open_like, without_nulls
from mmx.errors import DataError
from mmx.inference.needs import Needs
from mmx.interfaces import IMAGE, TEXT, Layout, RowNumbers, TableContents


@dataclass(frozen=True, slots=True)
class Case:
    """One case by what it consists of, for programs and for the command line.

    Attributes:
        id: to find it again.
        images: files, in the places that the run was trained on, by modality where it reads several
            kinds of images; None keeps the place of one that is absent.
        text: its text, or a file with it as a ``Path``, by modality where the run reads several;
            None: none is given, which must be stated where the run reads one.
        record: other columns that the run reads, such as age.
    """

    id: str = "case"
    images: Sequence[Path | None] | Mapping[str, Sequence[Path | None]] = ()
    text: str | Path | Mapping[str, str | Path] | None = None
    record: Mapping[str, object] = field(default_factory=dict)


Rows = Sequence[Mapping[str, object]]
Asked = str | Path | pd.DataFrame | Case | Sequence[Case] | Mapping[str, object] | Rows
"""What can be asked about: a table by its path or as it is, cases, or rows by column."""


@dataclass(frozen=True, slots=True)
class CaseTable:
    """Rows of new cases.

    Attributes:
        cells: the columns, as ``read_table`` gives them.
        folder: of the images.
        name: of the table, for messages.
        notes: what a reader must know.
        faults: row, from 0 -> why it cannot be used.
        index: of the table that was given in memory; None for others.
        gathered: whether every row is a case, also where those of the run's own table are not.
        numbers: of the rows, as a spreadsheet shows them.
    """

    cells: pd.DataFrame
    folder: Path
    name: str
    notes: tuple[str, ...] = ()
    faults: Mapping[int, str] = field(default_factory=dict)
    index: "pd.Index[Any] | None" = None
    gathered: bool = False
    numbers: RowNumbers = field(default_factory=RowNumbers)

    @property
    def contents(self) -> TableContents:
        """The same as a reader gives it."""
        own = self.numbers
        return TableContents(
            self.cells, self.notes, self.faults, first_row=own.first, left_out=own.left_out
        )

    def columns_of(self, needs: Needs) -> Needs:
        """What the run needs, by the columns that this table should have."""
        return needs if self.gathered else needs.by_row

    def by_case(self, layout: Layout) -> "CaseTable":
        """The rows of each case as one, by a layout whose columns of images and cases are there."""
        if self.gathered or layout.long_table is None:
            return self
        found = Gathering(self.contents, layout).contents
        notes, faults = tuple(found.notes), found.faults
        return replace(
            self, cells=found.cells, notes=notes, faults=faults, index=None, gathered=True
        )

    def rows(self, needs: Needs, layout: Layout) -> TableRows:
        """The rows as samples, by a layout whose columns are all there."""
        return TableRows(
            layout, self.cells, self.folder, needs.kinds, self.faults, numbers=self.numbers
        )


def case_table(asked: Asked, needs: Needs) -> CaseTable:
    """The cases as a table.

    Raises:
        DataError: a table that cannot be read, or a case that lacks what the run reads.
    """
    if isinstance(asked, str | Path):
        return _of_file(Path(asked), needs.layout)
    if isinstance(asked, pd.DataFrame):
        found, name = in_memory(asked), "the table"
        index = asked.index.delete([*found.left_out])
        told, numbers = tuple(found.notes), found.numbers
        return CaseTable(found.cells, Path.cwd(), name, told, index=index, numbers=numbers)
    cases: Sequence[Case | Mapping[str, object]]
    cases = [asked] if isinstance(asked, Case | Mapping) else list(asked)
    notes: list[str] = []
    rows: list[Mapping[str, object]]
    rows = [_row(case, needs, notes) if isinstance(case, Case) else case for case in cases]
    whole = any(isinstance(case, Case) for case in cases)
    name = "the case" if whole else "the table"
    told = tuple(dict.fromkeys(notes))
    return CaseTable(_cells(rows), Path.cwd(), name, told, gathered=whole)


def _of_file(path: Path, layout: Layout) -> CaseTable:
    """The table of a file, read like the run's own."""
    found = open_like(path, layout.reading)
    folder = found.folder or path.absolute().parent
    return CaseTable(
        found.cells, folder, str(path), tuple(found.notes), found.faults, numbers=found.numbers
    )


def _cells(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    names = dict.fromkeys(str(name) for row in rows for name in row)
    columns = {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names}
    return without_nulls(pd.DataFrame(columns, index=range(len(rows))))


def _row(case: Case, needs: Needs, notes: list[str]) -> dict[str, object]:
    """A case by the columns of the run; what it does not give is not there."""
    row: dict[str, object] = {**_known(case.record, needs, notes), "id": case.id}
    if needs.layout.id is not None:
        row[needs.layout.id] = case.id
    for name, text in _by_name(case.text, needs.texts, TEXT, "texts").items():
        column = _text_column(needs, name)
        row[column] = _told(text, named=column in needs.layout.text_files)
    shown = needs.reads.images
    for name, images in _by_name(_files(case.images, shown), shown, IMAGE, "images").items():
        if needs.in_one_cell(name, len(images)):
            row |= {shown[name][0]: [image or "" for image in images]}  # any number of them
            if needs.layout.long_table is None:  # each of them might be a whole volume
                notes.append(f"{len(images)} files of {name} are read together, in the order given")
        else:
            row |= _in_slots(images, shown.get(name, ()), notes)
    return row


def _told(text: str | Path, *, named: bool) -> object:
    """The cell of a given text.

    Args:
        text: as it is, or a file with it.
        named: whether cells of this column name files.
    """
    if isinstance(text, str):
        return WrittenText(text) if named else text
    if named:
        return text.absolute()
    try:
        return read_plain_text(text).text
    except DataError as error:
        raise DataError(f"{text}: {error}") from error


def _files(given: Any, names: Collection[str]) -> Any:
    """The files of the only kind of images, also where they are named as they are of several."""
    if isinstance(given, Mapping) or len(names) != 1:
        return given
    (own,), found = names, list[Path | None]()
    for one in given:
        name, sign, rest = str(one or "").partition("=")
        if not sign or Path(str(one)).exists() or not name.isidentifier():
            found.append(one)
        elif name == own:
            found.append(Path(rest))
        else:
            raise DataError(f"this run reads no images called {name!r}; it reads {own}")
    return found


def _by_name(given: Any, names: Collection[str], usual: str, what: str) -> Mapping[str, Any]:
    """What is given by modality; what is not named belongs to the only one."""
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in names]
        if unknown:
            raise DataError(
                f"this run reads no {what} called {unknown[0]!r}; it reads "
                f"{', '.join(names) or 'none'}"
            )
        return given
    if given is None or given == () or given == []:
        return {}
    if len(names) < 2:
        return {next(iter(names), usual): given}
    found: dict[str, Any] = {}
    single = isinstance(given, str | Path)
    for one in [given] if single else given:
        name, sign, rest = str(one).partition("=")
        if not sign or name not in names:
            told = " or ".join(f"{name}=..." for name in names)
            raise DataError(f"this run reads several {what}; say which is which: {told}")
        if single:
            found[name] = type(given)(rest)
        else:
            found.setdefault(name, []).append(Path(rest))
    return found


def _in_slots(
    images: Sequence[Path | None], slots: Sequence[str], notes: list[str]
) -> dict[str, object]:
    """Images of a modality by their columns; what is not given is absent."""
    if not slots:
        raise DataError("an image is given, and this run reads none; leave it out")
    if len(images) > len(slots):
        raise DataError(
            f"{len(images)} images are given, and this run reads at most {len(slots)} of a case"
        )
    given = [*images, *[None] * (len(slots) - len(images))]
    absent = [name for name, image in zip(slots, given, strict=True) if image is None]
    if absent:
        notes.append(
            f"this run was trained on up to {len(slots)} images of a case "
            f"({', '.join(slots)}); {', '.join(absent)} counts as missing"
        )
    return dict(zip(slots, given, strict=True))


def _known(record: Mapping[str, object], needs: Needs, notes: list[str]) -> Mapping[str, object]:
    """The fields of a case, with a note on those that the model does not read."""
    unknown = [name for name in record if name not in needs.layout.columns]
    if unknown:
        raise DataError(
            f"this run has no column {unknown[0]!r}; it has {', '.join(needs.layout.columns)}"
        )
    read = needs.reads.columns
    spare = [name for name in record if name not in read]
    if spare:
        notes.append(
            f"this run does not read {', '.join(spare)}, so the answer is the same without; it "
            f"reads {', '.join(read)}"
        )
    return record


def _text_column(needs: Needs, name: str) -> str:
    """The column that a text of a modality goes to."""
    if not needs.text:
        raise DataError("a text is given, and this run reads none; leave it out")
    column = needs.texts[name]
    if column is not None:
        return column
    fields = (*needs.reads.texts, *needs.reads.record)
    raise DataError(
        f"a text is given, and this run writes its texts from {', '.join(fields)}; give these, "
        f"with --record {fields[0] if fields else 'NAME'}=VALUE"
    )


def renamed(table: CaseTable, columns: Mapping[str, str], needs: Needs) -> CaseTable:
    """The table with its columns by the names of the run.

    Args:
        table: any table.
        columns: name in this table -> name in the run. A column of the table that had such a name
            already gives way.
        needs: knows the columns of the run.

    Raises:
        DataError: a name that is not there, or two columns for one.
    """
    lacking = [new for new in columns if new not in table.cells]
    if lacking:
        raise DataError(
            f"{table.name} has no column {', '.join(map(repr, lacking))}; its columns are "
            f"{', '.join(map(str, table.cells.columns))}. NEW=OLD names the column of this "
            "table first, and then that of the run"
        )
    own = table.columns_of(needs).columns
    unknown = [old for old in columns.values() if old not in own]
    if unknown:
        raise DataError(
            f"this run has no column {unknown[0]!r}; it has {', '.join(own)}. "
            "NEW=OLD names the column of this table first, and then that of the run"
        )
    twice = [old for old in set(columns.values()) if list(columns.values()).count(old) > 1]
    if twice:
        raise DataError(f"two columns are mapped to {twice[0]!r}; name one of them")
    replaced = [old for old in columns.values() if old in table.cells and old not in columns]
    cells = table.cells.drop(columns=replaced).rename(columns=dict(columns))
    return replace(table, cells=cells)


def by_role(
    table: CaseTable, images: Sequence[str], text: str | None, needs: Needs
) -> dict[str, str]:
    """Columns named by what they hold, as a mapping for ``renamed``.

    Args:
        table: has them.
        images: columns of images in their places; one text may name several with commas.
        text: column of the text.
        needs: knows the columns of the run.
    """
    slots = table.columns_of(needs).layout.image_columns
    images = [
        name for given in images for name in ([given] if given in table.cells else given.split(","))
    ]
    if len(images) > len(slots):
        raise DataError(
            f"{len(images)} columns of images are named ({', '.join(images)}), and this run reads "
            f"{', '.join(slots) if slots else 'none'}"
        )
    columns = dict(zip(images, slots, strict=False))
    for name, column in _by_name(text, needs.texts, TEXT, "texts").items():
        columns[column] = _text_column(needs, name)
    return columns


def filled(table: CaseTable, needs: Needs) -> CaseTable:
    """The table with empty columns for what was said to be absent."""
    return replace(table, cells=table.cells.assign(**dict.fromkeys(needs.absent)))


def named(
    table: CaseTable, columns: Sequence[str | None], missing: tuple[str, ...] | None
) -> CaseTable:
    """The table with the number of the row where a cell of these columns is missing.

    Args:
        table: any.
        columns: of names; None stands for one that is not there.
        missing: words that mean missing; None: those that always do.
    """
    cells, words = table.cells, MISSING_WORDS if missing is None else missing
    for column in columns:
        if column is not None:
            names = read_cells(cells[column], missing=words).texts
            empty = np.flatnonzero(names == "")
            names[empty] = [f"row {table.numbers.of(row)}" for row in empty.tolist()]
            cells = cells.assign(**{column: names})
    return replace(table, cells=cells)
