"""One plain sentence from age, sex and site, or from structure and level; nothing else is read.

Fields that are missing or 'unknown' are left out; a record with none of them gives the empty text.
"""

import hashlib
import string
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field, field_validator

from mmx import FeatureSource, Narrative, NarrativeParams, Params, Sample, hookimpl
from mmx.interfaces import Value

_ON_SKIN = {"acral", "genital", "oral"}  # adjectives: "on acral skin", not "on the acral"
_ABSENT = {"", "unknown", "none", "nan", "n/a", "na", "null", "not available", "not stated"}
_SEXES = {
    "m": "man", "male": "man", "man": "man", "f": "woman", "female": "woman", "woman": "woman",
}  # fmt: skip


class TemplateParams(NarrativeParams):
    """A sentence such as 'A 45-year-old man with a lesion on the back.'"""

    type: Literal["template"] = "template"
    templates: tuple[str, ...] = Field(
        default=("{case}.",),
        min_length=1,
        description="sentences around {case}; a hash of the sample's id chooses one",
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

    def build(self, features: FeatureSource | None) -> "Template":
        return Template(self.templates)


class Template(Narrative):
    """Writes from age, sex, site, structure and level of the record."""

    def __init__(self, templates: Sequence[str]) -> None:
        self.templates = tuple(templates)

    def write(self, sample: Sample) -> str:
        case = " with ".join(filter(None, (_patient(sample.record), _place(sample.record))))
        if not case:
            return ""
        digest = hashlib.blake2b(sample.id.encode(), digest_size=8).digest()
        template = self.templates[int.from_bytes(digest, "big") % len(self.templates)]
        sentence = template.format(case=case)
        return sentence[:1].upper() + sentence[1:]


def _patient(record: Mapping[str, Value]) -> str:
    """'a 45-year-old man', 'a woman', 'a 45-year-old patient', or nothing."""
    age = _age(record.get("age"))
    given = _word(record.get("sex"))
    sex = _SEXES.get(given.lower(), given)
    if not age and not sex:
        return ""
    words = " ".join(filter(None, (age, sex or "patient")))
    vowel = words.startswith(("8", "11-", "18-", "a", "e", "i", "o"))  # an eight-year-old
    return f"{'an' if vowel else 'a'} {words}"


def _age(value: Value) -> str:
    """'45-year-old'; nothing for 0, which tables use for an age that nobody noted."""
    try:
        years = float(value) if value not in (None, "") else 0.0
    except ValueError:  # words such as 'unknown'
        return ""
    return f"{years:g}-year-old" if 0 < years < 130 else ""


def _place(record: Mapping[str, Value]) -> str:
    """'a lesion on the back', 'the disc at L4-L5', or nothing."""
    site, structure, level = (_word(record.get(name)) for name in ("site", "structure", "level"))
    if site:
        return f"a lesion on {site} skin" if site.lower() in _ON_SKIN else f"a lesion on the {site}"
    if structure:
        return f"the {structure} at {level}" if level else f"the {structure}"
    return f"the level {level}" if level else ""


def _word(value: Value) -> str:
    word = " ".join(str(value).split()) if value is not None else ""
    return "" if word.lower() in _ABSENT else word


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this narrative."""
    return [TemplateParams]
