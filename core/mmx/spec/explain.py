"""From what pydantic found to faults in plain words, each at its place in a file."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from mmx.errors import Fault
from mmx.plugins import Plugins, nearest
from mmx.spec.short import short_key, shorts_of
from mmx.spec.tree import Location, Node
from mmx.spec.walk import shape


def explain(
    found: Sequence[ErrorDetails], model: type[BaseModel], root: Node, plugins: Plugins
) -> list[Fault]:
    """One fault for each place; what stands there may fail every branch of a union."""
    merged: dict[tuple[object, ...], Fault] = {}
    for detail in found:
        fault = _fault(detail, model, root, plugins)
        same = (fault.file, fault.line, fault.column, fault.key)
        other = merged.get(same)
        if other is None:
            merged[same] = fault
        elif fault.message not in other.message:
            merged[same] = replace(other, message=f"{other.message}; or {fault.message}")
    return list(merged.values())


def location_of(
    path: Sequence[str | int], model: type[BaseModel], root: Node, plugins: Plugins
) -> Location:
    """Place of the value at a path, or of the last part of the path that the file has."""
    return _locate(path, model, root, plugins, at_key=False)[0]


def _fault(detail: ErrorDetails, model: type[BaseModel], root: Node, plugins: Plugins) -> Fault:
    unknown = detail["type"] == "extra_forbidden"
    location, key, known = _locate(detail["loc"], model, root, plugins, at_key=unknown)
    if unknown:
        return location.fault(_unknown_key(str(detail["loc"][-1]), known), key)
    return location.fault(_words(detail), key)


def _locate(
    path: Sequence[str | int],
    model: type[BaseModel] | None,
    node: Node,
    plugins: Plugins,
    at_key: bool,
) -> tuple[Location, str, list[str]]:
    """Place and dotted key of an error, and the keys that are known there.

    Walks as far as the file goes: what the file leaves out (a missing key, a default) and what
    pydantic adds (the branches of a union) have no place of their own.
    """
    location = node.location
    names, known = list[str](), list[str]()
    form = None
    root, named = model, None  # named: the form of a mapping whose entries come next
    for name in path:
        if isinstance(node.content, dict):
            known = [*model.model_fields, *shorts_of(model)] if model else []
            entry = node.content.get(str(name))
            if entry is None:
                # a key that is missing is named, a branch of a union is not
                names += [str(name)] if str(name) in known else []
                break
            names.append(str(name))
            location, node = (entry.location if at_key else entry.node.location), entry.node
            field = model.model_fields.get(str(name)) if model else None
            form = named or (shape(field) if field else None)
            named = form if form and form.mapping and not named else None
            model = form.at(node, plugins) if form and not named else None
        elif isinstance(node.content, list) and isinstance(name, int) and name < len(node.content):
            node = node.content[name]
            names.append(str(name))
            location = node.location
            model = form.at(node, plugins) if form else None
        else:  # a name that stands for a mapping, as its type
            names += [str(name)] if _is_field(str(name), model) else []
            break
    key = ".".join(names)
    return location, short_key(key, root) if root else key, known


def _is_field(name: str, model: type[BaseModel] | None) -> bool:
    """Whether it names a field of the model, and not the type that stands for all of it."""
    return model is not None and name != "type" and name in model.model_fields


def _unknown_key(name: str, known: list[str]) -> str:
    close = nearest(name, known)
    return f"unknown key {name!r}; " + (
        f"nearest: {close}" if close else f"known: {', '.join(known) or 'none'}"
    )


def _words(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    got = _short(detail["input"])
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        return f"{got} is not {context['expected']}{_nearest_word(detail['input'], context)}"
    if kind == "string_type":
        return f"a text is needed, got {got}; write it in quotes"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"a mapping of keys and values is needed, got {got}"
    if kind == "value_error" or kind.startswith("mmx_"):
        return detail["msg"].removeprefix("Value error, ")
    message = detail["msg"].removeprefix("Input ")
    return f"{message[:1].lower()}{message[1:]}, got {got}"


def _nearest_word(value: object, context: dict[str, object]) -> str:
    words = str(context["expected"]).replace(" or ", ", ").split(", ")
    close = nearest(value, [word.strip("'") for word in words]) if isinstance(value, str) else None
    return f"; nearest: {close}" if close else ""


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
