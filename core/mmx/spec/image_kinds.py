"""Whether several pictures of a case are of several kinds, each with an encoder of its own."""

from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from mmx.interfaces import ModalityName
from mmx.spec.column_names import says

KINDS = (
    ("derm", "dermoscop", "dermatoscop", "dermoskop", "dermatoskop", "皮肤镜"),
    ("clinic", "macro", "makro", "klinisch", "临床"),
    ("fundus", "眼底"),
    ("oct",),
    ("xray", "cxr", "radiograph", "rontgen"),
    ("ct",),
    ("mri", "mrt", "irm"),
    ("ultrasound", "ultraschall", "sonogra", "超声"),
)
"""Words for each way of taking pictures, as names of columns hold or begin with them."""


def differ_in_kind(columns: Sequence[str]) -> bool:
    """Whether each of several columns is named like another way of taking pictures.

    The names must be fit for modalities as well.
    """
    found = [_kind_of(name) for name in columns]
    several = len(found) > 1 and -1 not in found and len({*found}) == len(found)
    return several and all(map(_names_a_modality, columns))


def _names_a_modality(column: str) -> bool:
    try:
        TypeAdapter(ModalityName).validate_python(column)
    except ValidationError:
        return False
    return True


def _kind_of(column: str) -> int:
    """Place of the only kind that a name speaks of; -1 where it speaks of none or of several."""
    said = [place for place, words in enumerate(KINDS) if says(column, words)]
    return said[0] if len(said) == 1 else -1


def ask_of_kinds(columns: Sequence[str]) -> str:
    """The question for columns whose names do not tell whether they are views or kinds."""
    first, *others = columns
    return (
        f"are {', '.join(map(repr, columns))} views of one kind? They are taken as such, and one "
        "encoder reads them all. Kinds that differ, such as a photograph and an X-ray, are better "
        f"read by an encoder each: data.dataset.images: {{NAME: [{first}], OTHER: "
        f"[{', '.join(others)}]}}, and in place of model.image: "
        "model.encoders: {NAME: {type: ...}, OTHER: {type: ...}}"
    )
