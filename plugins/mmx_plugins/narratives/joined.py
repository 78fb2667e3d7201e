"""A text and the record of a sample in one: a sentence from the record, then the text as it is."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from mmx import DataError, Narrative, NarrativeParams, Params, Sample, hookimpl
from mmx.blocks import case_phrase
from mmx.interfaces import FeatureSource


class JoinedParams(NarrativeParams):
    """The record in plain words and a text column, one behind the other."""

    type: Literal["joined"] = "joined"
    column: str = Field(
        default="text", min_length=1, description="field of the record that holds the text"
    )
    first: Literal["record", "text"] = Field(
        default="record", description="which of the two stands first; a cut takes from the end"
    )

    def build(self, features: FeatureSource | None) -> "JoinedNarrative":
        return JoinedNarrative(self.column, record_first=self.first == "record")


class JoinedNarrative(Narrative):
    """Writes all fields of the record; a modality that is missing leaves the other one alone."""

    def __init__(self, column: str, *, record_first: bool) -> None:
        self.column, self.record_first = column, record_first

    def write(self, sample: Sample) -> str:
        if self.column not in sample.record:
            there = ", ".join(sample.record) or "no fields"
            raise DataError(
                f"narrative.joined: no field {self.column!r} in the record of {sample.id}, "
                f"which has {there}; columns that tell the label are hidden from narratives"
            )
        case = case_phrase(sample.record, {**sample.roles, "text": self.column})
        sentence = f"{case[:1].upper()}{case[1:]}." if case else ""
        text = str(sample.record[self.column] or "").strip()
        both = (sentence, text) if self.record_first else (text, sentence)
        return " ".join(filter(None, both))


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this narrative."""
    return [JoinedParams]
