"""How the columns of a table become samples."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mmx.errors import DataError, SettingsError
from mmx.interfaces.long_table import LongTable
from mmx.interfaces.modality import name_modality
from mmx.interfaces.reader import Reading

Role = Literal["age", "sex", "site", "structure", "level"]
"""What a field of a record can stand for."""


class Labels(BaseModel):
    """How the cells of a column of labels become classes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    map: Mapping[str, str] = Field(
        default={}, description="label as it is written -> class, such as {MEL: melanoma}"
    )
    several: Literal["refuse", "first", "own", "each"] = Field(
        default="refuse",
        description="cells such as a|b beside a and b: refuse them, keep the first label, make "
        "each cell a class of its own, or each label one of several that a case may have",
    )
    none: tuple[str, ...] = Field(
        default=(),
        description="labels that say nothing to learn, such as No Finding, for each: a case with "
        "no other has none of the labels",
    )
    columns: tuple[str, ...] = Field(
        default=(), description="one column a class instead of one label column; one of them is 1"
    )
    each: tuple[str, ...] = Field(
        default=(),
        description="one column a label, of which a case may have several: 1, 0, or blank or -1 "
        "for unknown; labels: [a, b] is short for it",
    )
    separator: str = Field(
        default="|", min_length=1, description="sign between several labels, for first and each"
    )

    @model_validator(mode="after")
    def _map_is_read(self) -> "Labels":
        if self.each and self.map:
            raise ValueError(
                "map says what cells mean, and each names columns, which are the labels "
                "themselves; rename the columns, or leave map out"
            )
        strange = [name for name in self.map if name not in self.columns] if self.columns else []
        if strange:
            raise ValueError(
                f"map names {', '.join(map(repr, strange))}, which columns does not; beside "
                "columns, map says the class that a column stands for"
            )
        return self

    def read(self, text: str) -> str:
        """The class that a cell names."""
        if self.several == "first":
            text = text.split(self.separator)[0].strip()
        return self.map.get(text, text)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column of a table holds what a sample carries; every name is that of a column.

    Attributes:
        images: modality -> paths of images, in their places.
        text: sentences, never read as numbers; one column, or several in their order.
        record: facts such as age; fields of ``Sample.record`` by the same names.
        id: a name of the case; None: the number of its row.
        group: lesion, patient or study; None: every row is a group of its own.
        label: the class.
        root: folder of the images; None: that of the table.
        roles: age, sex, site, structure or level -> its field of the record.
        missing: words that mean missing, whatever the column; None: ``MISSING_WORDS`` of blocks.
        labels: how the cells of ``label`` become classes.
        classes: that are stated; they are never missing nor misspelt. None: those in the table.
        boxes: modality -> left, top, right and bottom of each image, in its place.
        own: modality -> place of the image that the label is of, where one stands out.
        reading: how the table is read, as far as it is stated.
        suffix: ending of image files whose names have none, such as .jpg; ``found``: each is looked
            up below the roots.
        roots: further folders of images, looked in where ``root`` lacks a file.
        follow_links: image files may be links that lead out of their folder.
        inputs: modality -> files of a kind that core does not know, such as waveforms.
        alone: a row whose group is blank is a group of its own.
        long_table: how the rows of a case become the one that the rest of the layout speaks of;
            None: they are that already.
        text_files: names of text files below the same folders as the images; what stands in a file
            is the text.
        text_encoding: of these files; None: UTF-8, what a file says, or what its letters speak for.
        group_pattern: of the part of a cell that is the group; empty: all of it.
        tables: files that columns come from, the table first, then those that are joined to it;
            empty where nothing is joined.
    """

    images: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    text: str | tuple[str, ...] | None = None
    record: tuple[str, ...] = ()
    id: str | None = None
    group: str | None = None
    label: str | None = None
    root: Path | None = None
    roles: Mapping[Role, str] = field(default_factory=dict)
    missing: tuple[str, ...] | None = None
    labels: Labels = Labels()  # noqa: RUF009 - it is frozen
    classes: tuple[str, ...] | None = None
    boxes: Mapping[str, tuple[tuple[str, str, str, str], ...]] = field(default_factory=dict)
    own: Mapping[str, int] = field(default_factory=dict)
    reading: Reading = Reading()  # noqa: RUF009 - it is frozen
    suffix: str = ""
    roots: tuple[Path, ...] = ()
    follow_links: bool = False
    inputs: Mapping[str, str] = field(default_factory=dict)
    alone: bool = False
    long_table: LongTable | None = None
    text_files: tuple[str, ...] = ()
    text_encoding: str | None = None
    group_pattern: str = ""
    tables: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Layouts of API 1 have one kind of images and do not name it."""
        name_modality(self, "images", "boxes", "own")

    @property
    def image_columns(self) -> tuple[str, ...]:
        """Paths of images of all modalities."""
        return tuple(name for indices in self.images.values() for name in indices)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every column of texts, those that name files last."""
        stated = () if self.text is None else self.text
        return (*((stated,) if isinstance(stated, str) else stated), *self.text_files)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that it names, once."""
        named = (self.id, self.group, self.label)
        single = [name for name in named if name is not None]
        boxes = [name for indices in self.boxes.values() for box in indices for name in box]
        files = [*self.image_columns, *self.inputs.values()]
        return tuple(dict.fromkeys([*files, *boxes, *self.record, *self.texts, *single]))

    @property
    def by_row(self) -> "Layout":
        """The layout of the rows as they stand in the table, several a case where it is long."""
        if self.long_table is None:
            return self
        long = self.long_table
        own = None if self.id == long.name else self.id
        group = long.group if self.group == long.group_name else self.group
        return replace(self, images=long.of(self.images), id=own, group=group)

    @property
    def joining(self) -> tuple[str, ...]:
        """Columns that say how rows are gathered."""
        long = self.long_table
        if long is None:
            return ()
        shown = (*long.view, *([long.order] if long.order else ())) if self.images else ()
        return (*long.case, *shown)

    def _place(self, column: str) -> tuple[str | int, ...]:
        """Where a column is named: the path of its key among the settings of a table."""
        if self.long_table is not None and column in self.joining:
            joined = (("case", self.long_table.case), ("view", self.long_table.view))
            return next(((key,) for key, names in joined if column in names), ("order",))
        for role in ("text", "id", "group", "label"):
            if getattr(self, role) == column:
                return (role,)
        for role in ("record", "text", "text_files"):
            named = getattr(self, role)
            if isinstance(named, tuple) and column in named:
                return role, named.index(column)
        return ("inputs",) if column in self.inputs.values() else ("images",)

    def check(self, columns: Collection[str], table: str) -> None:
        """Refuse a table that lacks a column, or a model that would read a label.

        Args:
            columns: those of the table.
            table: its name, for the words.

        Raises:
            SettingsError: names what is lacking, and the columns that are there.
        """
        lacking = [name for name in (*self.joining, *self.by_row.columns) if name not in columns]
        if lacking:
            words = (
                f"{table} has no column {', '.join(map(repr, lacking))}; "
                f"its columns are {', '.join(map(str, columns))}"
            )
            raise SettingsError([(self._place(lacking[0]), words)])
        told = [name for name in self.labels.each if name in (*self.record, *self.texts)]
        if told:
            raise DataError(
                f"the columns of labels {', '.join(map(repr, told))} must not be read by the model"
            )
        if self.label is not None and self.label in (*self.record, *self.texts):
            raise DataError(
                f"the label column {self.label!r} must not be in the record or a text as well"
            )
