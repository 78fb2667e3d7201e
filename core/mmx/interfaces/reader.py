"""Readers: one format of files, and the rows that such a file holds."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mmx.interfaces.params import Params

if TYPE_CHECKING:
    from pandas import DataFrame


class PackedImage(ABC):
    """An image file that lies inside another file, such as a cell of a table or an archive.

    Attributes:
        name: for messages; tells where it lies, and no two of a table have one name.
    """

    name: str

    @abstractmethod
    def read(self) -> bytes:
        """The bytes of the image file.

        Raises:
            DataError: they are not there any more.
        """

    def head(self, size: int) -> bytes:
        """The first bytes, at most so many; a reader that can leaves the others unread.

        Raises:
            DataError: they are not there any more.
        """
        return self.read()[:size]

    @property
    def place(self) -> tuple[str, int] | None:
        """The file that these bytes lie in, and where in it; None where nothing is read for them.

        Processes that read equal places at one time read equal bytes, so one of them may read them
        for all; and each may keep to files of its own.
        """
        return None

    @cached_property
    def key(self) -> str:
        """Digest of these bytes."""
        return hashlib.blake2b(self.read(), digest_size=20).hexdigest()

    def __str__(self) -> str:
        """Its name."""
        return self.name


@dataclass(frozen=True, slots=True)
class RowNumbers:
    """Numbers of rows as a spreadsheet shows them.

    Attributes:
        first: of the first row; 2 where the names of the columns stand in the first line.
        left_out: places in the table, from 0, of rows that are no cases, in order.
    """

    first: int = 2
    left_out: tuple[int, ...] = ()

    def of(self, row: int) -> int:
        """The number of a row, by its place among those that are not left out."""
        for place in self.left_out:
            row += place <= row
        return self.first + row


@dataclass(frozen=True, slots=True)
class TableContents:
    """What a reader found.

    Attributes:
        cells: one row a case, in the order of the file; columns are named by texts. A cell is a
            text, a number, a yes or no, a date, None where it is missing; in columns of images also
            the bytes of an image file, a ``PackedImage``, or a list of several.
        notes: what a user must know, in sentences, such as which sheet was read.
        faults: row of ``cells``, from 0 -> why it cannot be used.
        guesses: setting -> value that the reader chose itself, since neither the settings nor the
            file say it, such as ``{"encoding": "gbk"}``; ``mmx init`` writes them into the spec.
        folder: that names of files in cells are relative to; None: the folder of the table.
        first_row: number of the first row of ``cells`` as a spreadsheet shows it; more than 2 where
            something stands above the names of the columns, 1 where no names stand there.
        left_out: places in the file, from 0, of rows that are not in ``cells``: lines between the
            rows that hold nothing, and rows that repeat the names of the columns, which every table
            loses once its reader is done; in order.
    """

    cells: "DataFrame"
    notes: Sequence[str] = ()
    faults: Mapping[int, str] = field(default_factory=dict)
    guesses: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    first_row: int = 2
    left_out: tuple[int, ...] = ()

    @property
    def numbers(self) -> RowNumbers:
        """Numbers of the rows of ``cells``."""
        return RowNumbers(self.first_row, self.left_out)


@dataclass(frozen=True, slots=True)
class TableExample:
    """A small table that a reader wrote itself.

    Attributes:
        path: of the file or folder.
        rows: what ``read`` must give, in order: column -> the cell as text, empty where missing.
    """

    path: Path
    rows: Sequence[Mapping[str, str]]


class TableReader(ABC):
    """Reads the tables of one format."""

    @abstractmethod
    def read(self, path: Path) -> TableContents:
        """The rows of a file or folder that ``claims`` says yes to.

        Nothing in it is executed or unpickled, nothing is written, and no name in it leads out of
        its folder. The same bytes give the same rows.

        Raises:
            DataError: it is damaged, too large, or not what its name says; in plain words.
        """

    def example(self, folder: Path) -> TableExample | None:
        """Write a table of two or more rows into an empty folder, for the checks of readers.

        None: checks that need a file are not tried.
        """
        return None


class ReaderParams(Params):
    """Settings of a reader."""

    kind: ClassVar[str] = "reader"
    endings: ClassVar[tuple[str, ...]] = ()
    """Of the names of its files, in lower case, such as ``.csv`` and ``.csv.gz``."""

    @classmethod
    def claims(cls, path: Path, head: bytes) -> bool:
        """Whether this file is for this reader when nothing else is said.

        Args:
            path: of a file or folder that is there.
            head: its first bytes, at most 4,096; empty for a folder.
        """
        return path.name.lower().endswith(cls.endings) and not path.is_dir()


class TableReaderParams(ReaderParams):
    """Settings of a reader of tables."""

    @abstractmethod
    def build(self) -> TableReader:
        """Build the reader; its library is imported when it reads."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a table is read, as far as somebody says it.

    Attributes:
        reader: the reader with its settings; None: the one that the file is for.
        encoding: for a reader that has this setting, and so are the others.
        separator: between cells.
        sheet: of a spreadsheet.
    """

    reader: TableReaderParams | None = None
    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None

    @property
    def stated(self) -> dict[str, str]:
        """The settings that are said, by name."""
        found = {"encoding": self.encoding, "separator": self.separator, "sheet": self.sheet}
        return {name: value for name, value in found.items() if value is not None}
