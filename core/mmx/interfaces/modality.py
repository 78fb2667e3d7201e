"""Names of modalities, and the short form of what has one of them."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

IMAGE = "image"
"""The modality of images where a spec, a data set or a user names none."""
TEXT = "text"
"""The modality of texts where a spec, a data set or a user names none."""
RECORD = "record"
"""The modality of the clinical table."""

ModalityName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
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
