"""Names of modalities, and the short form of what has one of them."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

IMAGE = "image"
"""The modality of images where a spec, a data set or a user names none."""
TEXT = "text"
"""The modality of texts where a spec, a data set or a user names none."""
RECORD = "record"
"""The modality of the clinical table."""

_NAME = r"^[a-z][a-z0-9_]*$"


def _in_small_letters(name: str) -> str:
    if re.fullmatch(_NAME, name) is None:
        raise ValueError(
            f"{name!r} cannot name a modality: a name has lower-case letters from a to z, digits "
            "and underscores, and begins with a letter, such as left_eye; columns and classes may "
            "have any name"
        )
    return name


ModalityName = Annotated[
    str,
    AfterValidator(_in_small_letters),
    Field(max_length=40, json_schema_extra={"pattern": _NAME}),
]
"""Name of a modality in a spec: lower-case letters, digits and underscores, a letter first."""


def by_modality(given: object, name: str = IMAGE) -> Mapping[str, object]:
    """A mapping as it is; anything else stands for this modality, and what is empty for none."""
    if isinstance(given, Mapping):
        return given
    return {} if given is None or given == () else {name: given}


def name_modality(value: object, *fields: str) -> None:
    """Give a new frozen dataclass mappings where it was made with the short form of API 1."""
    for field in fields:
        given = getattr(value, field)
        # the usual mapping is known by its type ten times sooner, and there are many samples
        if type(given) is not dict and not isinstance(given, Mapping):
            object.__setattr__(value, field, by_modality(given))
