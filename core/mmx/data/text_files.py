"""Texts that lie in files of their own, which the cells of a column name."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmx.blocks import foreign_word, names_files, read_plain_text
from mmx.data.cells import Faults
from mmx.data.image_paths import leaving, placed
from mmx.errors import DataError, SettingsError
from mmx.interfaces import Layout

if TYPE_CHECKING:
    from pandas import Series

    from mmx.data.cells import Cells


@dataclass(frozen=True, slots=True)
class WrittenText:
    """A text that a program gives where a table would name a file."""

    text: str


@dataclass(frozen=True, slots=True)
class FileTexts:
    """What stands in the files of a column.

    Attributes:
        texts: [n], str; empty where a cell names no file, or its file is empty or cannot be read.
        faults: row -> why its file cannot be read.
        notes: sentences on encodings that were guessed, and on empty files.
    """

    texts: "Cells"
    faults: Faults = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def texts_of_files(
    column: "Series[Any]", names: "Cells", roots: Sequence[Path], layout: Layout
) -> FileTexts:
    """What stands in the files of a column of a table, below its roots.

    Args:
        column: as the table has it.
        names: its cells as names of files; empty where one is missing.
        roots: folders that the files must stay in.
        layout: says what links and encodings are.
    """
    for row, cell in enumerate(column.tolist()):
        if isinstance(cell, WrittenText):
            names[row] = cell
    name = str(column.name)
    outside = leaving(names, roots, name, layout.follow_links)
    names[[*outside]] = ""
    found = _read(name, placed(names, roots), layout.text_encoding)
    return replace(found, faults={**found.faults, **outside})


def _read(column: str, paths: "Cells", encoding: str | None) -> FileTexts:
    """Read files; one that several rows name is read once."""
    texts, faults = np.full(len(paths), "", dtype=object), Faults()
    known: dict[Path, str | DataError] = {}
    told = _ColumnOfFiles(column)
    for row, cell in enumerate(paths.tolist()):
        if isinstance(cell, WrittenText):
            texts[row] = cell.text
        elif cell:
            if cell not in known:
                known[cell] = told.read(cell, encoding)
            found = known[cell]
            if isinstance(found, str):
                texts[row] = found
            else:
                faults[row] = f"column {column!r}: {cell.name!r}: {found}"
    return FileTexts(texts, faults, told.notes(len(known)))


class _ColumnOfFiles:
    """Reads files and keeps what a user must know of them."""

    def __init__(self, column: str) -> None:
        self.column = column
        self.empty: list[str] = []
        self.guesses: Counter[str] = Counter()
        self.example = ""

    def read(self, path: Path, encoding: str | None) -> str | DataError:
        """The text of a file, or why there is none."""
        try:
            found = read_plain_text(path, encoding)
        except SettingsError:
            raise  # of all files, not of this one
        except DataError as error:
            return error
        if not found.text.strip():
            self.empty.append(path.name)
        if found.guess is not None:
            self.guesses[found.guess] += 1
            self.example = self.example or f"{foreign_word(found.text)!r} in {path.name}"
        return found.text

    def notes(self, files: int) -> tuple[str, ...]:
        """Sentences on these files."""
        found = []
        if self.guesses:
            names = ", ".join(f"{name} ({count})" for name, count in sorted(self.guesses.items()))
            found.append(
                f"{self.guesses.total()} of {files} files of column {self.column!r} are not UTF-8; "
                f"their letters are those of {names}, such as {self.example}; if they are wrong, "
                "say text_encoding: in data.dataset"
            )
        if self.empty:
            found.append(
                f"{len(self.empty)} of {files} files of column {self.column!r} are empty, such as "
                f"{self.empty[0]}; these rows have no text of it"
            )
        return tuple(found)


def undeclared_files(cells: "Mapping[str, Cells]", texts: Collection[str]) -> tuple[str, ...]:
    """What is said of columns that hold names of text files, and are not declared so.

    Args:
        cells: of the columns of a record.
        texts: those of them that are read as texts.

    Raises:
        SettingsError: one of these holds names of files.
    """
    told = {name: _undeclared(name, column.tolist()) for name, column in cells.items()}
    wrong = [words for name, words in told.items() if words and name in texts]
    if wrong:
        raise SettingsError([(("text",), f"the text {wrong[0]}")])
    return tuple(filter(None, told.values()))


def _undeclared(name: str, cells: Sequence[object]) -> str:
    filled = [cell for cell in cells if isinstance(cell, str) and cell]
    if not names_files(filled):
        return ""
    return (
        f"column {name!r} holds names of files, such as {filled[0]!r}: the names would be read, "
        f"not what stands in the files; to read the files: text_files: {name}"
    )
