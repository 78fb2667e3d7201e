"""The text of a column as it is; mmx does not know where it came from, so the audit judges it.

Several columns are told one behind the other. Of a report, only the sections that are named are
read: a section begins with its heading and ends with the next one. Findings and impression of a
report tell what the picture shows, so that a model which reads them answers what a radiologist has
answered before.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from mmx import DataError, Narrative, Params, Sample, hookimpl
from mmx.blocks import TextFields, TextFieldsParams
from mmx.interfaces import FeatureSource


class ColumnParams(TextFieldsParams):
    """Text columns of the record, unchanged."""

    type: Literal["column"] = "column"
    on_missing: Literal["absent", "error"] = Field(
        default="absent", description="an empty cell: the sample has no text, or the run stops"
    )

    @property
    def fields(self) -> tuple[str, ...]:
        return self.text_fields

    @property
    def reads_images(self) -> bool:
        return False

    def build(self, features: FeatureSource | None) -> "Column":
        return Column(self.source_of_texts, stop=self.on_missing == "error")


class Column(Narrative):
    """Reads fields of the record, or sections of them."""

    def __init__(self, source: TextFields, *, stop: bool) -> None:
        self.source, self.stop = source, stop

    def write(self, sample: Sample) -> str:
        text = self.source.of(sample)
        if self.stop and not text:
            named = " and ".join(map(repr, self.source.names))
            raise DataError(f"narrative.column: {named} is empty for {sample.id}")
        return text

    def notes(self, samples: Sequence[Sample]) -> Sequence[str]:
        return self.source.notes(samples)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this narrative."""
    return [ColumnParams]
