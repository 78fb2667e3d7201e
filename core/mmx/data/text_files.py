"""Texts that lie in files of their own, which the cells of a column name."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmx.blocks import PlainText, foreign_word, names_files, read_plain_text
from mmx.data.cells import Faults
from mmx.data.image_paths import leaving, placed
from mmx.data.threads import in_threads
from mmx.errors import DataError, SettingsError
from mmx.interfaces import FilesRead, Layout

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
        files: [n], the file of each row; something else where it names none.
        faults: row -> why its file cannot be read.
        notes: sentences on encodings that were guessed, and on empty files.
    """

    texts: "Cells"
    files: "Cells"
    faults: Faults = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def texts_of_files(
    column: "Series[Any]",
    names: "Cells",
    roots: Sequence[Path],
    layout: Layout,
    told: FilesRead | None = None,
) -> FileTexts:
    """What stands in the files of a column of a table, below its roots.

    Args:
        column: as the table has it.
        names: its cells as names of files, ``with_written``; empty where one is missing.
        roots: folders that the files must stay in.
        layout: says what links and encodings are.
        told: how many of how many files are read; at once that there are any.
    """
    told = told or _nobody
    told(0, len(names))
    name = str(column.name)
    outside = leaving(names, roots, name, layout.follow_links)
    names[[*outside]] = ""
    found = _read(name, placed(names, roots), layout.text_encoding, told)
    return replace(found, faults={**found.faults, **outside})


def with_written(cells: Sequence[object], names: "Cells") -> "Cells":
    """Names of files; a text that a program gives stands in the place of one."""
    for row, cell in enumerate(cells):
        if isinstance(cell, WrittenText):
            names[row] = cell
    return names


def _read(column: str, paths: "Cells", encoding: str | None, told: FilesRead) -> FileTexts:
    """Read files, in threads, for disks answer late; one that several rows name is read once."""
    texts, faults = np.full(len(paths), "", dtype=object), Faults()
    files = list(dict.fromkeys(cell for cell in paths.tolist() if isinstance(cell, Path)))
    known: dict[Path, str | DataError] = {}
    seen = _ColumnOfFiles(column)
    for path, found in zip(files, in_threads(partial(_attempt, encoding), files), strict=True):
        known[path] = seen.noted(path, found)
        told(len(known), len(files))
    for row, cell in enumerate(paths.tolist()):
        if isinstance(cell, WrittenText):
            texts[row] = cell.text
        elif cell:
            text = known[cell]
            if isinstance(text, str):
                texts[row] = text
            else:
                faults[row] = f"column {column!r}: {cell.name!r}: {text}"
    return FileTexts(texts, paths, faults, seen.notes(len(known)))


def _attempt(encoding: str | None, path: Path) -> PlainText | DataError:
    """What stands in a file, or why nothing can be read in it."""
    try:
        return read_plain_text(path, encoding)
    except SettingsError:
        raise  # of all files, not of this one
    except DataError as error:
        return error


class _ColumnOfFiles:
    """Keeps what a user must know of files."""

    def __init__(self, column: str) -> None:
        self.column = column
        self.empty: list[str] = []
        self.guesses: Counter[str] = Counter()
        self.example = ""

    def noted(self, path: Path, found: PlainText | DataError) -> str | DataError:
        """The text of a file, or why there is none."""
        if isinstance(found, DataError):
            return found
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


def _nobody(done: int, total: int) -> None:
    """Tell nobody."""


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
