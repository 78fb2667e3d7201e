"""Texts of a record for narratives: one field or several, whole or by sections of a report."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import Field, model_validator

from mmx.blocks.report_sections import headings_of, read_sections
from mmx.errors import DataError
from mmx.interfaces import NarrativeParams, Sample

_SHOWN = 6  # headings named in a sentence


class TextFieldsParams(NarrativeParams):
    """Settings of a narrative that takes texts from fields of the record."""

    column: str = Field(
        default="text", min_length=1, description="field of the record that holds the text"
    )
    columns: tuple[str, ...] = Field(
        default=(),
        description="several such fields instead of column, one behind the other; an empty one is "
        "left out",
    )
    headings: tuple[str, ...] = Field(
        default=(), description="words in front of the text of each of the columns; empty: none"
    )
    sections: tuple[str, ...] = Field(
        default=(),
        description="headings of a report, such as INDICATION and HISTORY: only what stands under "
        "them is read; empty: all of it",
    )

    @model_validator(mode="after")
    def _fields_named_once(self) -> "TextFieldsParams":
        if self.columns and "column" in self.model_fields_set:
            raise ValueError("name either column or columns; columns takes all of them")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError(f"columns names a field twice: {', '.join(self.columns)}")
        if self.headings and len(self.headings) != len(self.text_fields):
            raise ValueError(
                f"headings has {len(self.headings)} entries for {len(self.text_fields)} columns; "
                "give one for each, or none"
            )
        return self

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The fields that texts are taken from, in their order."""
        return self.columns or (self.column,)

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The same, for they must be there."""
        return self.text_fields

    @property
    def source_of_texts(self) -> "TextFields":
        """Reads these fields."""
        return TextFields(self.entry_point, self.text_fields, self.headings, self.sections)


@dataclass(frozen=True, slots=True)
class TextFields:
    """Takes the text of a sample from fields of its record.

    Attributes:
        method: its name, for messages.
        names: of the fields, in the order in which they are told.
        headings: what stands in front of each; empty for nothing.
        sections: that are read of each; empty for all of it.
    """

    method: str
    names: tuple[str, ...]
    headings: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()

    def of(self, sample: Sample) -> str:
        """The texts of a sample, a blank between them; empty where there is none.

        Raises:
            DataError: its record has no such field.
        """
        return " ".join(self._each(sample))

    def _each(self, sample: Sample) -> Iterator[str]:
        for place, name in enumerate(self.names):
            text = self._cell(sample, name)
            if self.sections:
                text = read_sections(text, self.sections)
            if text.strip():
                yield f"{self.headings[place]}: {text}" if self.headings else text

    def _cell(self, sample: Sample, name: str) -> str:
        if name not in sample.record:
            there = ", ".join(sample.record) or "no fields"
            raise DataError(
                f"{self.method}: no field {name!r} in the record of {sample.id}, "
                f"which has {there}; columns that tell the label are hidden from narratives"
            )
        value = sample.record[name]
        return "" if value is None else str(value)

    def notes(self, samples: Sequence[Sample]) -> list[str]:
        """Sentences on texts that are blank, and on reports without the sections that are read."""
        texts = {name: [self._cell(sample, name) for sample in samples] for name in self.names}
        return [*self._blank(texts), *self._without_sections(texts)]

    def _blank(self, texts: Mapping[str, Sequence[str]]) -> Iterator[str]:
        if len(texts) < 2:
            return  # rows without any text are counted elsewhere
        blank = {name: sum(not text.strip() for text in own) for name, own in texts.items()}
        if any(blank.values()):
            told = ", ".join(f"{name} {count}" for name, count in blank.items() if count)
            rows = len(next(iter(texts.values())))
            yield f"of {rows} rows, these have no text of their own in a column: {told}"

    def _without_sections(self, texts: Mapping[str, Sequence[str]]) -> Iterator[str]:
        if not self.sections:
            return
        for name, own in texts.items():
            reports = [text for text in own if text.strip()]
            without = [text for text in reports if not read_sections(text, self.sections)]
            if without:
                yield (
                    f"{len(without)} of {len(reports)} texts of {name!r} have nothing under "
                    f"{', '.join(self.sections)} and count as missing; "
                    f"{_headings_there(without, self.sections)}"
                )


def _headings_there(texts: Sequence[str], wanted: Sequence[str]) -> str:
    """The headings of reports, most frequent first, and which are nearest to what is wanted."""
    counts = Counter(heading for text in texts for heading in dict.fromkeys(headings_of(text)))
    if not counts:
        return "they have no headings at all"
    told = ", ".join(f"{name} ({count})" for name, count in counts.most_common(_SHOWN))
    more = f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
    near = {name: _nearest(name, [*counts]) for name in wanted}
    close = [f"{name}: {found}" for name, found in near.items() if found]
    return f"their headings are {told}{more}" + (f"; nearest: {', '.join(close)}" if close else "")


def _nearest(wanted: str, there: Sequence[str]) -> str:
    by_key = {one.casefold(): one for one in there if one.casefold() != wanted.casefold()}
    found = get_close_matches(wanted.casefold(), [*by_key], n=1)
    inside = [one for key, one in by_key.items() if wanted.casefold() in key]
    return by_key[found[0]] if found else next(iter(inside), "")
