"""Closed: what all tables of a spec have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator


@dataclass(frozen=True, slots=True)
class ShortForm:
    """A short way to write a key of a table.

    Attributes:
        path: key of a table inside, and key in that one.
        annotation: type of the value, for the JSON Schema.
        description: of the key.
    """

    path: tuple[str, str]
    annotation: Any
    description: str


class ClosedModel(BaseModel):
    """Frozen, knows no other keys, and takes no NaN or infinity where a number is wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    short: ClassVar[Mapping[str, ShortForm]] = {}

    @model_validator(mode="before")
    @classmethod
    def _written_out(cls, value: object) -> object:
        """Short keys in the place that they stand for, for those who give plain data."""
        if not (cls.short and isinstance(value, Mapping) and cls.short.keys() & value.keys()):
            return value
        content = {key: inner for key, inner in value.items() if key not in cls.short}
        for key in reversed([key for key in cls.short if key in value]):
            table, name = cls.short[key].path
            inner = content.get(table, {})
            if not isinstance(inner, Mapping):
                return value  # what stands there is told where it is checked
            if name in inner:
                raise ValueError(f"{key} and {table}.{name} say the same; write one of the two")
            content[table] = {name: value[key], **inner}
        return content


def without_null(value: object) -> object:
    """A mapping without the entries that ``null`` takes out of what a base has."""
    if not isinstance(value, Mapping):
        return value
    return {name: one for name, one in value.items() if one is not None}


def table(description: str) -> Any:
    """Field of a whole table that may be left out: all its defaults, checked like what is given."""
    return Field({}, validate_default=True, description=description)


def method(default: str, description: str) -> Any:
    """Field of a method that may be left out; ``default`` is a type, checked like what is given."""
    return Field(default, validate_default=True, description=description)
