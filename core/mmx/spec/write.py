"""A Spec as text that loads back, and as the plain data that identify a run."""

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from mmx.spec.tree import FLOAT, INTEGER
from mmx.spec.walk import shape


class _Dumper(yaml.SafeDumper):
    """Quotes every text that YAML 1.1 or 1.2 would read as something else."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Double quotes around line breaks and control characters, which PyYAML else changes."""
        return self.represent_scalar(
            "tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"'
        )


_Dumper.add_representer(str, _Dumper.represent_text)


for _tag, _pattern in (("int", INTEGER), ("float", FLOAT)):
    _Dumper.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern.pattern})$"), list("-+.0123456789")
    )


def to_yaml(resolved: dict[str, object]) -> str:
    """YAML of a resolved spec; a method's type stands first."""
    text: str = yaml.dump(
        _type_first(resolved), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )
    return text


def inline(value: object) -> str:
    """A value on one line, as it may stand behind a key or in a comment."""
    text: str = yaml.dump(
        [value], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**6,
        default_flow_style=True,
    )  # fmt: skip
    return text.strip()[1:-1]


def _type_first(value: object) -> object:
    if isinstance(value, list):
        return [_type_first(item) for item in value]
    if not isinstance(value, dict):
        return value
    first = {"type": value["type"]} if "type" in value else {}
    return first | {key: _type_first(item) for key, item in value.items()}


# what changes no number: where things lie, and how much memory and time they may take
_UNIMPORTANT = {"name", "data.cache", "data.workers", "data.memory_gb", "train.checkpoint_minutes"}


def identity(model: BaseModel, above: str = "") -> dict[str, object]:
    """Plain data of a model without what changes no number; files are known by their content."""
    plain, dumped = {}, model.model_dump(mode="json")
    for name, field in type(model).model_fields.items():
        key, value = f"{above}{name}", getattr(model, name)
        told = name in dumped and key not in _UNIMPORTANT
        if told and not shape(field).path and not isinstance(value, Path):
            plain[name] = _identity(value, dumped[name], f"{key}.")
    return plain


def _identity(value: object, dumped: Any, above: str) -> object:
    if isinstance(value, BaseModel):
        return identity(value, above)
    if isinstance(value, dict):
        return {
            name: _identity(item, dumped[name], f"{above}{name}.") for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        pairs = zip(value, dumped, strict=True)
        return [_identity(item, plain, above) for item, plain in pairs]
    return dumped
