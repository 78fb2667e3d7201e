"""The record in plain words: who, where the finding lies, and every other field by its name.

Fields that are missing or 'unknown' are left out; a record with none known gives the empty text.
"""

import hashlib
import string
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, field_validator

from mmx import Narrative, NarrativeParams, Params, Sample, hookimpl
from mmx.blocks import case_phrase
from mmx.interfaces import FeatureSource


class TemplateParams(NarrativeParams):
    """A sentence such as 'A 45-year-old man with a lesion on the back; itching: yes.'"""

    type: Literal["template"] = "template"
    templates: tuple[str, ...] = Field(
        default=("{case}.",),
        min_length=1,
        description="sentences around {case}; a hash of the sample's id chooses one, or of the "
        "case itself where rows have no ids",
    )

    @field_validator("templates")
    @classmethod
    def _one_slot(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        for template in templates:
            try:
                slots = [
                    slot for _, slot, _, _ in string.Formatter().parse(template) if slot is not None
                ]
            except ValueError as error:
                raise ValueError(f"the template {template!r} cannot be read: {error}") from error
            if slots != ["case"]:
                raise ValueError(
                    f"a template must hold {{case}} once and no other slot, got {template!r}"
                )
        return templates

    @property
    def record_only(self) -> bool:
        return True

    @property
    def reads_images(self) -> bool:
        return False

    def build(self, features: FeatureSource | None) -> "Template":
        return Template(self.templates)


class Template(Narrative):
    """Writes the whole record of a sample, but not its text."""

    def __init__(self, templates: Sequence[str]) -> None:
        self.templates = tuple(templates)

    def write(self, sample: Sample) -> str:
        case = case_phrase(sample.record, sample.roles, sample.texts)
        if not case:
            return ""
        digest = hashlib.blake2b(sample.seeded_by(case).encode(), digest_size=8).digest()
        template = self.templates[int.from_bytes(digest, "big") % len(self.templates)]
        sentence = template.format(case=case)
        return sentence[:1].upper() + sentence[1:]


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this narrative."""
    return [TemplateParams]
