"""Short forms of keys, such as ``model.image`` for ``model.encoders.image``; places stay."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

from pydantic import BaseModel

from mmx.errors import Fault
from mmx.spec.closed import ClosedModel, ShortForm
from mmx.spec.tree import Entry, Node
from mmx.spec.walk import shape

Path = tuple[str, ...]


@cache
def short_forms(model: type[BaseModel]) -> Mapping[Path, Path]:
    """Every short key of a model and of the tables inside it -> the key that it stands for."""
    return dict(_short_forms(model, ()))


def _short_forms(model: type[BaseModel], above: Path) -> Iterator[tuple[Path, Path]]:
    for key, form in shorts_of(model).items():
        yield (*above, key), (*above, *form.path)
    for key, inner in _tables(model).items():
        yield from _short_forms(inner, (*above, key))


def shorts_of(model: type[BaseModel] | None) -> Mapping[str, ShortForm]:
    """The short forms of one table."""
    return model.short if model is not None and issubclass(model, ClosedModel) else {}


@cache
def _tables(model: type[BaseModel]) -> Mapping[str, type[BaseModel]]:
    """The tables inside a model, by key."""
    found = {key: shape(field).model for key, field in model.model_fields.items()}
    return {key: inner for key, inner in found.items() if inner and issubclass(inner, ClosedModel)}


def long_path(path: Sequence[str], model: type[BaseModel]) -> list[str]:
    """The path of a key, written out: ``model.image.train`` -> ``model.encoders.image.train``."""
    for short, long in short_forms(model).items():
        if tuple(path[: len(short)]) == short:
            return [*long, *path[len(short) :]]
    return list(path)


def short_key(key: str, model: type[BaseModel]) -> str:
    """A dotted key in its short form where it has one; it is the one that people write."""
    path = key.split(".")
    for short, long in short_forms(model).items():
        if tuple(path[: len(long)]) == long:
            return ".".join([*short, *path[len(long) :]])
    return key


def written_out(
    node: Node, model: type[BaseModel], faults: list[Fault], above: tuple[str, ...] = ()
) -> Node:
    """The same values with every short key in the place that it stands for.

    What is written out comes first, in the order in which the table declares its short forms.

    Args:
        node: of a file.
        model: that checks it.
        faults: takes a fault for each key that is given in both forms.
        above: keys that lead to the node.
    """
    if not isinstance(node.content, dict):
        return node
    tables = _tables(model)
    content = {
        key: replace(entry, node=written_out(entry.node, tables[key], faults, (*above, key)))
        if key in tables else entry
        for key, entry in node.content.items()
    }  # fmt: skip
    moved: dict[str, dict[str, Entry]] = {}
    for key, form in shorts_of(model).items():
        if key in content:
            table, name = form.path
            moved.setdefault(table, {})[name] = content.pop(key)
    for table, entries in moved.items():
        content[table] = _joined(content.get(table), entries, (*above, table), model, faults)
    return Node(content, node.location)


def _joined(
    given: Entry | None,
    entries: dict[str, Entry],
    path: tuple[str, ...],
    model: type[BaseModel],
    faults: list[Fault],
) -> Entry:
    """A table with what its short forms add to it."""
    if given is None:
        first = next(iter(entries.values())).location
        return Entry(first, Node(entries, first))
    if not isinstance(given.node.content, dict):
        return given  # the table is no mapping, which is told where it is checked
    twice = [name for name in entries if name in given.node.content]
    for name in twice:
        short = next(k for k, form in shorts_of(model).items() if form.path == (path[-1], name))
        words = f"{'.'.join((*path, name))} says the same already; write one of the two"
        faults.append(entries[name].location.fault(words, ".".join((*path[:-1], short))))
    return replace(given, node=Node({**entries, **given.node.content}, given.node.location))
