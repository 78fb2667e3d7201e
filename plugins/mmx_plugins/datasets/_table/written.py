"""Types of settings that have a short form: one name for a list, a list for a mapping."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from mmx.interfaces import Labels, ModalityName, by_modality


def _listed(value: Any) -> object:
    """A name stands for a list of it, also in a mapping."""
    if isinstance(value, Mapping):
        return {name: _listed(one) for name, one in value.items()}
    return (value,) if isinstance(value, str) else value


def _named(value: Any) -> object:
    """``[a, b]`` stands for ``{image: [a, b]}``, and a name for a list of it."""
    return {name: _listed(one) for name, one in by_modality(value).items()}


def _each(value: Any) -> object:
    """``[a, b]`` stands for ``{each: [a, b]}``."""
    return {"each": value} if isinstance(value, list | tuple) else value


def _once(views: Any) -> Any:
    """Refuse a view that stands for two kinds or places."""
    kinds = views.values() if isinstance(views, Mapping) else [views or ()]
    held = [one for names in kinds for one in names]
    twice = [name for name in dict.fromkeys(held) if held.count(name) > 1]
    if twice:
        raise ValueError(f"the view {twice[0]!r} stands here twice")
    return views


_List = Annotated[tuple[str, ...], Field(min_length=1)]
Names = Annotated[_List, BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...])]
"""One column or several."""
Columns = Annotated[
    Mapping[ModalityName, _List],
    BeforeValidator(
        _named, json_schema_input_type=tuple[str, ...] | dict[ModalityName, _List | str]
    ),
]
"""Modality -> columns; a list of columns stands for those of ``image``."""
Views = Annotated[
    Mapping[ModalityName, _List] | _List,
    BeforeValidator(
        _listed, json_schema_input_type=dict[ModalityName, _List | str] | tuple[str, ...]
    ),
    AfterValidator(_once),
]
"""Modality -> views, or views in their places."""
LabelRule = Annotated[
    Labels, BeforeValidator(_each, json_schema_input_type=Labels | tuple[str, ...])
]
"""How cells become classes; a list of columns stands for one column a label."""
