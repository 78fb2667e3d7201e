"""The text of a column as it is; mmx does not know where it came from, so the audit judges it.

Of a report, only the sections that are named are read: a section begins with its heading and ends
with the next one. Findings and impression of a report tell what the picture shows, so that a model
which reads them answers what a radiologist has answered before.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from mmx import DataError, Narrative, NarrativeParams, Params, Sample, hookimpl
from mmx.blocks import read_sections
from mmx.interfaces import FeatureSource


class ColumnParams(NarrativeParams):
    """A text column of the record, unchanged."""

    type: Literal["column"] = "column"
    column: str = Field(
        default="text", min_length=1, description="field of the record that holds the text"
    )
    sections: tuple[str, ...] = Field(
        default=(),
        description="headings of a report, such as INDICATION and HISTORY: only what stands under "
        "them is read; empty: all of it",
    )
    on_missing: Literal["absent", "error"] = Field(
        default="absent", description="an empty cell: the sample has no text, or the run stops"
    )

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def reads_images(self) -> bool:
        return False

    def build(self, features: FeatureSource | None) -> "Column":
        return Column(self.column, self.sections, stop=self.on_missing == "error")


class Column(Narrative):
    """Reads one field of the record, or sections of it."""

    def __init__(self, column: str, sections: Sequence[str] = (), *, stop: bool) -> None:
        self.column = column
        self.sections = tuple(sections)
        self.stop = stop

    def write(self, sample: Sample) -> str:
        if self.column not in sample.record:
            there = ", ".join(sample.record) or "no fields"
            raise DataError(
                f"narrative.column: no field {self.column!r} in the record of {sample.id}, "
                f"which has {there}; columns that tell the label are hidden from narratives"
            )
        value = sample.record[self.column]
        text = "" if value is None else str(value)
        if self.sections:
            text = read_sections(text, self.sections)
        if self.stop and not text.strip():
            raise DataError(f"narrative.column: {self.column!r} is empty for {sample.id}")
        return text if text.strip() else ""


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this narrative."""
    return [ColumnParams]
