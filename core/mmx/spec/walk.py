"""Which class checks which part of a spec: the models beside the nodes of a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from mmx.errors import PluginError
from mmx.plugins import Plugins
from mmx.spec.choice import MethodChoice
from mmx.spec.tree import Node


@dataclass(frozen=True, slots=True)
class Shape:
    """What a field may hold, read from its annotation.

    Attributes:
        choice: set when it holds methods.
        model: set when it holds tables with known keys.
        path: it holds names of files and nothing else.
        kind: its whole type, when it holds either names of files or words such as ``none``.
        mapping: it holds such values by names that the spec chooses, such as ``encoders``.
    """

    choice: MethodChoice | None
    model: type[BaseModel] | None
    path: bool
    kind: Any = None
    mapping: bool = False

    def names_file(self, text: str) -> bool:
        """Whether a text that stands here names a file."""
        if self.path or self.kind is None:
            return self.path
        try:
            return isinstance(TypeAdapter(self.kind).validate_python(text), Path)
        except ValidationError:
            return False

    def at(self, node: Node | None, plugins: Plugins) -> type[BaseModel] | None:
        """Class that checks the keys of ``node``; None when there is none or it is not found."""
        if self.choice is None:
            return self.model
        try:
            return self.choice.params(type_of(node) or self.choice.default, plugins)
        except PluginError:
            return None


def shape(field: FieldInfo) -> Shape:
    """Shape of a field of a model."""
    atoms = [field.annotation, *field.metadata]
    atoms = [atom for part in atoms for atom in _atoms(part)]
    choices = [atom for atom in atoms if isinstance(atom, MethodChoice)]
    classes = [atom for atom in atoms if isinstance(atom, type)]
    models = [atom for atom in classes if issubclass(atom, BaseModel)]
    words = str in classes or any(isinstance(atom, str) for atom in atoms)  # of a Literal
    path = Path in classes and {*classes} <= {Path, NoneType} and not words
    return Shape(
        choice=choices[0] if choices else None,
        model=models[0] if models and not choices else None,
        path=path,
        kind=field.annotation if Path in classes and not path else None,
        mapping=get_origin(field.annotation) is dict and bool(choices or models),
    )


def _atoms(annotation: object) -> Iterator[object]:
    """Everything that a nested annotation is made of: ``Path | None`` gives Path and NoneType."""
    metadata = getattr(annotation, "__metadata__", ())
    inner = [part for part in get_args(annotation) if part is not Ellipsis]
    if get_origin(annotation) is None and not metadata:
        yield annotation
    for part in (*inner, *metadata):
        yield from _atoms(part)


def type_of(node: Node | None) -> object:
    """Type that a method names, in short or long form; None when it names none."""
    if node is None:
        return None
    named = node.get("type") if isinstance(node.content, dict) else node
    return named.content if named else None


def file_names(
    model: type[BaseModel], node: Node, plugins: Plugins, above: str = ""
) -> Iterator[tuple[str, Node]]:
    """Every value of a spec that names a file, with its dotted key."""
    if not isinstance(node.content, dict):
        return
    for key, entry in node.content.items():
        if key not in model.model_fields:
            continue
        form = shape(model.model_fields[key])
        for name, value in _values(key, entry.node, form):
            inner = form.at(value, plugins)
            if isinstance(value.content, str) and form.names_file(value.content):
                yield f"{above}{name}", value
            elif inner is not None:
                yield from file_names(inner, value, plugins, f"{above}{name}.")


def _values(key: str, node: Node, form: Shape) -> Iterator[tuple[str, Node]]:
    """What a key holds: one value, the items of a list, or those of a mapping under their names."""
    if isinstance(node.content, list):
        yield from ((key, item) for item in node.content)
    elif form.mapping and isinstance(node.content, dict):
        yield from ((f"{key}.{name}", entry.node) for name, entry in node.content.items())
    else:
        yield key, node
