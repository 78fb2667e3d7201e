"""Closed: what all tables of a spec have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Closed(BaseModel):
    """Frozen, knows no other keys, and takes no NaN or infinity where a number is wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def table(description: str) -> Any:
    """Field of a whole table that may be left out: all its defaults, checked like what is given."""
    return Field({}, validate_default=True, description=description)


def method(default: str, description: str) -> Any:
    """Field of a method that may be left out; ``default`` is a type, checked like what is given."""
    return Field(default, validate_default=True, description=description)
