"""Data sets: the rows of an experiment."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from mmx.errors import DataError
from mmx.interfaces.layout import Layout
from mmx.interfaces.modality import name_modality
from mmx.interfaces.params import Params
from mmx.interfaces.reader import PackedImage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the image as stored."""

Value = str | float | None
"""One field of a record; None when it is missing or unknown."""

FieldKind = Literal["number", "word", "mixed"]
"""What the filled cells of one field of a record are."""

View = Literal[
    "identity", "hflip", "vflip", "rot90", "rot180", "rot270", "transpose", "anti_transpose"
]
"""One of the eight ways to mirror and turn an image."""


FilesRead = Callable[[int, int], None]
"""Told how many of how many files are read."""


class Picture(Protocol):
    """An image that is computed, not read from a file."""

    @property
    def key(self) -> str:
        """Digest of all that decides the pixels."""
        ...

    def pixels(self) -> "NDArray[np.uint8]":
        """[H, W, 3], RGB."""
        ...


ImageSource = Path | Picture | PackedImage
"""An image: a file, computed, or a file inside another one."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One row: what a doctor would see together.

    Attributes:
        id: unique in the data set.
        group: lesion, patient or study; never in two parts of a split.
        images: modality -> photographs, ordered levels or slices; usually one, empty or left out
            when there is none. None keeps the place of one that is absent, such as the level above
            the first. A data set with one kind of images calls it ``image``.
        boxes: modality -> one for each of its images, or empty.
        record: fields such as age and sex, and text columns.
        label: class name; None when unknown.
        labels: cells of the label columns by name, where each case has several labels; None where
            a cell is blank.
        own: modality -> place of the image that the label is of, where others only surround it;
            left out where it is of all.
        numbered: the id is only the number of the row in its table, not a name of the case.
        roles: age, sex, site, structure, level or text -> the field of the record that holds it,
            where that has another name, such as ``{"age": "Age (years)"}``.
        inputs: modality -> file, or anything else that its kind of input reads, for kinds that core
            does not know; left out where there is none.
        texts: fields of the record that are texts, in order; empty: that of the role, if any.
    """

    id: str
    group: str
    images: Mapping[str, tuple[ImageSource | None, ...]] = field(default_factory=dict)
    boxes: Mapping[str, tuple[Box | None, ...]] = field(default_factory=dict)
    record: Mapping[str, Value] = field(default_factory=dict)
    label: str | None = None
    own: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, Value] = field(default_factory=dict)
    numbered: bool = False
    roles: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, object] = field(default_factory=dict)
    texts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Data sets of API 1 have one kind of images and do not name it."""
        name_modality(self, "images", "boxes", "own")

    def seeded_by(self, words: str) -> str:
        """What random choices about this sample's text are drawn from.

        Args:
            words: what the choice is about; the same for the same case wherever its row stands.

        Returns:
            The id; where that is only the number of a row, the words.
        """
        return words if self.numbered else self.id

    @property
    def has_image(self) -> bool:
        """Whether any place of any modality holds an image."""
        return any(image is not None for one in self.images.values() for image in one)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that cannot be used, for the data report."""

    row: str
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a data set knows about itself.

    Attributes:
        synonyms: other names and codes of each class, as they may appear in texts.
        leak_columns: record fields that tell the label; narratives never see them.
        allowed_views: views that leave the diagnosis unchanged, such as ``hflip``.
        notes: sentences for the report, such as the licence.
        group: what a group is called in sentences: lesion, patient, study.
        missing: column -> word -> how many cells held it and were read as missing.
    """

    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    leak_columns: tuple[str, ...] = ()
    allowed_views: tuple[View, ...] = ("identity",)
    notes: tuple[str, ...] = ()
    group: str = "group"
    missing: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


class DatasetParams(Params):
    """Settings of a data set."""

    kind: ClassVar[str] = "dataset"

    def layout(self) -> Layout | None:
        """How a table of new cases is read, for data sets that read a table of the user's.

        None: new cases of such a run are read by what its samples carried.
        """
        return None

    @property
    def opened_first(self) -> str:
        """What is read first, such as the name of a table, for whoever waits for it."""
        return self.entry_point

    @abstractmethod
    def build(self) -> "Dataset":
        """Read the tables; images are decoded later."""

    def open(self, told: FilesRead) -> "Dataset":
        """The same, for data sets that read many files besides their tables.

        Args:
            told: how many of how many files are read.
        """
        return self.build()


class Dataset(ABC):
    """Rows, and what is known about them.

    Attributes:
        classes: class names in a fixed order.
        facts: what the data set knows about itself.
    """

    classes: tuple[str, ...]
    facts: Facts = Facts()

    @abstractmethod
    def samples(self) -> Sequence[Sample]:
        """All usable rows, in a fixed order; may build each Sample when it is asked for."""

    def rejected(self) -> Sequence[RejectedRow]:
        """Rows that cannot be used, with the reason."""
        return ()

    def column(self, name: str) -> Sequence[str]:
        """A column of the table behind the rows, for a split that it holds.

        Returns:
            One text for each of ``samples()``, in their order; empty where the cell is.

        Raises:
            DataError: there is no such column.
        """
        raise DataError(
            f"this data set has no columns to name, so data.split.column: {name} cannot hold; "
            "use data.split.file or shares"
        )

    def spare(self) -> Sequence[str]:
        """Columns for ``column`` that no sample carries; the audit looks for a patient there."""
        return ()

    def names(self) -> Mapping[str, Sequence[str]]:
        """By which columns, besides ``sample_id``, another file may name the rows.

        Returns:
            Column -> one text for each of ``samples()``, in their order.
        """
        return {}

    def text_files(self) -> "Mapping[str, Sequence[Path | None]]":
        """The files that texts lie in; the audit looks at what tells their origin.

        Returns:
            Column -> the file of each of ``samples()``, None where there is none.
        """
        return {}

    def indices(self) -> Sequence[int]:
        """Where each of ``samples()`` stands in the table behind them, its first row being 0.

        Returns:
            Empty where samples are made, or gathered from several rows each.
        """
        return ()
