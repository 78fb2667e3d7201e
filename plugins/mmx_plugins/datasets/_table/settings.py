"""``dataset.table`` in a spec: which column holds what."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    Field,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
    model_validator,
)

from mmx import DatasetParams, chosen, open_table
from mmx.interfaces import (
    Labels,
    Layout,
    LongTable,
    ModalityName,
    Reading,
    Role,
    SpecPath,
    TableContents,
    TableReaderParams,
    View,
)
from mmx_plugins.datasets._table.grouping import GROUPING, Pattern
from mmx_plugins.datasets._table.written import Columns, LabelRule, Names, Views


class TableSettings(DatasetParams):
    """A table with columns for images, text, label and group; at least images or a text."""

    type: Literal["table"] = "table"
    path: SpecPath = Field(
        description="the file or folder; mmx plugins list --kind reader names the formats"
    )
    reader: Annotated[SerializeAsAny[TableReaderParams], chosen(TableReaderParams)] | None = Field(
        default=None, description="what reads it; null: the reader that such files are for"
    )
    encoding: str | None = Field(
        default=None, description="of a text, such as cp1252 or gbk; null: UTF-8, or found out"
    )
    sheet: str | None = Field(default=None, description="of a spreadsheet; null: the first one")
    separator: str | None = Field(
        default=None, min_length=1, max_length=1,
        description="between cells; null: comma, or semicolons or tabs in a header without comma",
    )  # fmt: skip
    join: tuple[SpecPath, ...] = Field(
        default=(),
        description="further tables, joined by the cells of all columns that both have",
    )
    root: SpecPath | None = Field(
        default=None, description="folder of the images; null: that of the table"
    )
    roots: tuple[SpecPath, ...] = Field(
        default=(), description="further folders of images, looked in where root lacks a file"
    )
    suffix: str = Field(
        default="",
        description="ending of image files whose names have none, such as .jpg; found: each is "
        "looked up below the roots, with its folder and ending",
    )
    follow_links: bool = Field(
        default=False, description="image files may be links that lead out of their folder"
    )
    images: Columns = Field(
        default={},
        description="columns with paths of images, or modality -> such columns; [a, b] is short "
        "for {image: [a, b]}; an empty cell keeps its place",
    )
    case: Names | None = Field(
        default=None,
        description="column, or several, that name the case of a row, in a table with a row per "
        "image; the rows of a case are one sample; null: every row is a case",
    )
    case_pattern: Pattern = Field(
        default="",
        description="regular expression of the part of case that is the case; empty: all of it",
    )
    view: Names | None = Field(
        default=None, description="column, or several, that name what the image of a row shows"
    )
    views: Views | None = Field(
        default=None,
        description="modality -> the values of view whose rows are its images; or [a, b]: values "
        "of view in their places, one row of each case each",
    )
    order: str | None = Field(
        default=None, description="column that sorts the images of a case; null: as rows stand"
    )
    inputs: Mapping[ModalityName, str] = Field(
        default={},
        description="modality -> column with paths of files of another kind, such as waveforms",
    )
    text: str | Names | None = Field(
        default=None,
        description="column with the text, or several, for narrative: column or joined",
    )
    text_files: Names | None = Field(
        default=None,
        description="columns with names of text files below root or roots; what stands in a file "
        "is the text",
    )
    text_encoding: str | None = Field(
        default=None,
        description="of the text files, such as cp1252; null: UTF-8, or found out of each",
    )
    label: str | None = Field(
        default=None, description="column with the class; null: unknown, to predict"
    )
    labels: LabelRule = Field(
        default=Labels(),
        description="columns of labels, of which a case may have several: [a, b]; or how the "
        "cells of label become classes",
    )
    group: str | None = Field(description="column with patient, lesion or study; null: every row")
    group_pattern: Pattern = Field(
        default="",
        description="regular expression of the part of a cell that is the group; empty: all of it",
    )
    group_missing: Literal["refuse", "alone"] = Field(
        default="refuse", description="a row without a group: refused, or a group of its own"
    )
    record: tuple[str, ...] = Field(default=(), description="columns such as age, sex and site")
    roles: Mapping[Role, str] = Field(
        default={}, description="age, sex, site, structure or level -> its column in the record"
    )
    id: str | None = Field(default=None, description="column with an id; null: the row's number")
    missing: tuple[str, ...] | None = Field(
        default=None,
        description="words that mean missing, in any case and column; null: nan, NA, None, unknown "
        "and the like, in five languages",
    )
    classes: tuple[str, ...] | None = Field(
        default=None, description="class names in order; null: those in the table, sorted"
    )
    synonyms: Mapping[str, tuple[str, ...]] = Field(
        default={}, description="other names of classes, as texts may tell them"
    )
    leak_columns: tuple[str, ...] = Field(
        default=(),
        description="columns of the record that tell the label; narratives never see them",
    )
    allowed_views: tuple[View, ...] = Field(
        default=("identity",), description="views that leave the diagnosis unchanged, such as hflip"
    )

    @property
    def opened_first(self) -> str:
        return self.path.name

    @model_validator(mode="before")
    @classmethod
    def _group_is_stated(cls, values: object) -> object:
        if isinstance(values, dict) and "group" not in values:
            raise ValueError(GROUPING)
        return values

    @field_validator("case_pattern", "view", "views", "order")
    @classmethod
    def _of_a_case(cls, value: object, info: ValidationInfo) -> object:
        if value and info.data.get("case") is None:
            raise ValueError("it is about the rows of a case; name its column: case: COLUMN")
        return value

    @field_validator("views")
    @classmethod
    def _views_fit(cls, views: object, info: ValidationInfo) -> object:
        columns = [one for names in info.data.get("images", {}).values() for one in names]
        if isinstance(views, Mapping) and len(columns) != 1:
            raise ValueError(
                "views of several kinds sort the images of one column; name it alone: "
                "images: [COLUMN]"
            )
        return views

    @model_validator(mode="after")
    def _views_are_named(self) -> "TableSettings":
        if (self.view is None) != (self.views is None):
            raise ValueError(
                "view names the column and views what its values show: views: {frontal: [PA, AP], "
                "lateral: LATERAL} for kinds of images, each with an encoder of its own, or views: "
                "[L CC, L MLO] for places in one sequence; name both"
            )
        return self

    @model_validator(mode="after")
    def _read_in_one_way(self) -> "TableSettings":
        stated = self.reading.stated
        if self.reader is not None and stated:
            name = next(iter(stated))
            raise ValueError(
                f"{name} beside reader: write it into the reader, {{..., {name}: ...}}"
            )
        return self

    @model_validator(mode="after")
    def _texts_once(self) -> "TableSettings":
        texts = self.layout().texts
        twice = next((name for name in texts if texts.count(name) > 1), None)
        if twice is not None:
            raise ValueError(
                f"{twice!r} is named twice among text and text_files: text holds sentences, "
                "text_files the names of files"
            )
        if self.text_encoding is not None and not self.text_files:
            raise ValueError("text_encoding is that of text_files, and none are named")
        return self

    @model_validator(mode="after")
    def _something_to_see(self) -> "TableSettings":
        if not (self.images or self.inputs or self.layout().texts or self.record):
            raise ValueError("name columns of images, or a text column, or both")
        if self.group_pattern and self.group is None:
            raise ValueError("group_pattern is searched for in the cells of group; name its column")
        if self.label is not None and self.labels.columns:
            raise ValueError("label and labels.columns each name the labels; keep one of them")
        if self.labels.several == "each" and self.label is None:
            raise ValueError("labels.several: each reads the column of label; name it")
        if self.labels.each and (self.label is not None or self.labels.columns or self.classes):
            raise ValueError(
                "labels: [a, b] names one column for each label; leave label, labels.columns and "
                "classes out"
            )
        return self

    def layout(self) -> Layout:
        long = self._long_table()
        return Layout(
            images=self.images if long is None else long.gathered, text=self.text,
            id=self.id if long is None or self.id is not None else long.name,
            group=self.group if long is None else long.group_name, label=self.label,
            record=tuple(dict.fromkeys((*self.record, *self.roles.values()))), roles=self.roles,
            root=self.root, roots=self.roots, suffix=self.suffix, follow_links=self.follow_links,
            missing=self.missing, labels=self.labels, classes=self.classes, reading=self.reading,
            inputs=self.inputs, long_table=long, alone=self.group_missing == "alone",
            text_files=self.text_files or (), text_encoding=self.text_encoding,
            group_pattern=self.group_pattern, tables=(self.path, *self.join) if self.join else (),
        )  # fmt: skip

    def _long_table(self) -> LongTable | None:
        """How the rows of a case become one; None where every row is a case."""
        kinds = self.views if isinstance(self.views, Mapping) else {}
        places = self.views if isinstance(self.views, tuple) else ()
        view, order = self.view or (), self.order
        pattern = self.case_pattern
        if self.case is None:
            return None
        return LongTable(self.case, self.images, view, kinds, places, order, self.group, pattern)

    @property
    def reading(self) -> Reading:
        """How the table is read, as far as it is stated."""
        return Reading(self.reader, self.encoding, self.separator, self.sheet)

    @property
    def grouped_by(self) -> str:
        """What a group is called."""
        case = "row" if self.case is None else "case"
        return "group" if self.group_pattern else self.group or case

    def read(self) -> TableContents:
        """The table as it is."""
        return open_table(
            self.path, encoding=self.encoding, separator=self.separator, sheet=self.sheet,
            reader=self.reader, join=self.join,
        )  # fmt: skip
