"""Two specs on top of each other, and single values set from the command line."""

from collections.abc import Callable
from dataclasses import replace

from mmx.errors import Fault, SpecError
from mmx.spec.tree import DEPTH_LIMIT, Entry, Location, Node, read_tree


def overlay(below: Node, above: Node) -> Node:
    """``above`` over ``below``: mappings merge key by key, everything else is replaced.

    A mapping whose ``type`` changes is replaced as well, for the settings of one method mean
    nothing to another. A name stands for a mapping with that type: ``gated`` is ``{type: gated}``.
    """
    below, above = _spelled_out(below, above), _spelled_out(above, below)
    if not (isinstance(below.content, dict) and isinstance(above.content, dict)):
        return above
    old, new = below.get("type"), above.get("type")
    if old and new and old.content != new.content:
        return above
    merged = dict(below.content)
    for key, entry in above.content.items():
        under = merged.get(key)
        merged[key] = replace(entry, node=overlay(under.node, entry.node)) if under else entry
    return Node(merged, above.location)


def _spelled_out(node: Node, other: Node) -> Node:
    """A name beside a mapping becomes a mapping too."""
    if isinstance(node.content, str) and isinstance(other.content, dict):
        return Node({"type": Entry(node.location, node)}, node.location)
    return node


def override(root: Node, text: str, *, spell: Callable[[list[str]], list[str]] = list) -> Node:
    """Set one value, such as ``model.fusion=gated`` or ``inference.0.type=tta``.

    Args:
        root: the values so far.
        text: path=value.
        spell: writes out the path, where it is a short form.

    Raises:
        SpecError: it is not written as path=value, or the path leads nowhere.
    """
    path, equals, value = text.partition("=")
    source = f"--set {text}"
    names = path.strip().split(".")
    start = Location(None, 0, len("--set ") + 1, source)
    if not equals or not all(names):
        raise SpecError([start.fault("write it as path=value, such as train.epochs=5")])
    if len(names) > DEPTH_LIMIT:
        words = f"the path has {len(names)} names; a spec is at most {DEPTH_LIMIT} deep"
        raise SpecError([start.fault(words)])
    node, faults = read_tree(value, None)
    if node is None or faults:
        offset = len(source) - len(value)
        raise SpecError([_on_command_line(fault, path, source, offset) for fault in faults])
    return _put(
        root, spell(names), _moved(node, replace(start, column=len(source) - len(value) + 1)), ()
    )


def _on_command_line(fault: Fault, path: str, source: str, offset: int) -> Fault:
    column = offset + max(fault.column, 1)
    return replace(fault, key=path, line=0, column=column, source=source)


def _moved(node: Node, location: Location) -> Node:
    """The same value, with every place on the command line."""
    if isinstance(node.content, dict):
        entries = {k: Entry(location, _moved(e.node, location)) for k, e in node.content.items()}
        return Node(entries, location)
    if isinstance(node.content, list):
        return Node([_moved(item, location) for item in node.content], location)
    return Node(node.content, location)


def _put(node: Node, names: list[str], value: Node, above: tuple[str, ...]) -> Node:
    if not names:
        return value
    name, rest = names[0], names[1:]
    if isinstance(node.content, list):
        return _put_in_list(node, name, rest, value, above)
    if isinstance(node.content, str):
        node = Node({"type": Entry(node.location, node)}, node.location)
    if node.content is None:
        node = Node({}, value.location)
    if not isinstance(node.content, dict):
        message = f"{'.'.join(above)} is {node.content!r}, which has no keys"
        raise SpecError([value.location.fault(message, ".".join([*above, *names]))])
    old = node.get(name)
    if name == "type" and not rest and old and old.content != value.content:
        return Node({"type": Entry(value.location, value)}, value.location)
    inner = _put(old or Node(None, value.location), rest, value, (*above, name))
    return Node({**node.content, name: Entry(value.location, inner)}, node.location)


def _put_in_list(
    node: Node, name: str, rest: list[str], value: Node, above: tuple[str, ...]
) -> Node:
    items = list(node.content) if isinstance(node.content, list) else []
    if not (name.isascii() and name.isdigit() and int(name) < len(items)):
        message = f"{'.'.join(above)} is a list of {len(items)}; {name!r} is no place in it, from 0"
        raise SpecError([value.location.fault(message, ".".join([*above, name, *rest]))])
    items[int(name)] = _put(items[int(name)], rest, value, (*above, name))
    return Node(items, node.location)
