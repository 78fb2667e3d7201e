"""Texts and the record of a sample in one: a sentence from the record, then the texts."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from mmx import Narrative, Params, Sample, hookimpl
from mmx.blocks import TextFields, TextFieldsParams, case_phrase
from mmx.interfaces import FeatureSource


class JoinedParams(TextFieldsParams):
    """The record in plain words and text columns, one behind the other."""

    type: Literal["joined"] = "joined"
    first: Literal["record", "text"] = Field(
        default="record", description="which of the two stands first; a cut takes from the end"
    )

    def build(self, features: FeatureSource | None) -> "JoinedNarrative":
        return JoinedNarrative(self.source_of_texts, record_first=self.first == "record")


class JoinedNarrative(Narrative):
    """Writes all fields of the record; a modality that is missing leaves the other one alone."""

    def __init__(self, source: TextFields, *, record_first: bool) -> None:
        self.source, self.record_first = source, record_first

    def write(self, sample: Sample) -> str:
        text = self.source.of(sample).strip()
        roles = {**sample.roles, "text": self.source.names[0]}
        case = case_phrase(sample.record, roles, (*sample.texts, *self.source.names))
        sentence = f"{case[:1].upper()}{case[1:]}." if case else ""
        both = (sentence, text) if self.record_first else (text, sentence)
        return " ".join(filter(None, both))

    def notes(self, samples: Sequence[Sample]) -> Sequence[str]:
        return self.source.notes(samples)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this narrative."""
    return [JoinedParams]
