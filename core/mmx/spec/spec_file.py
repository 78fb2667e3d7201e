"""The text of a spec file, and the files that it starts from with ``base:``."""

import os
import re
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel

from mmx.errors import Fault, SpecError
from mmx.files import named_path, read_regular
from mmx.spec.merge import overlay
from mmx.spec.short import written_out
from mmx.spec.tree import DEPTH_LIMIT, SIZE_LIMIT, Node, read_tree

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def read_text(path: Path) -> str:
    """Text of a spec file.

    Raises:
        SpecError: there is no such file, it is no regular file, too large, or not UTF-8.
    """
    try:
        data = read_regular(path, limit=SIZE_LIMIT)
    except OSError as error:
        raise SpecError([Fault(f"cannot be read: {error.strerror}", file=path)]) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        message = f"byte 0x{data[error.start]:02X} is not UTF-8; save the file as UTF-8"
        raise SpecError([Fault(message, file=path, line=line, column=column)]) from None


def read_file(
    path: Path, model: type[BaseModel], faults: list[Fault], above: tuple[Path, ...] = ()
) -> Node | None:
    """A spec file over its bases, all keys written out, for a model that will check it.

    None when there is nothing to check, and faults say why.
    """
    try:
        text = read_text(path)
    except SpecError as error:
        faults += error.faults
        return None
    root, found = read_tree(text, path)
    faults += found
    if root is None or not isinstance(root.content, dict):
        if root is not None:
            faults.append(root.location.fault(f"a spec is a mapping, got {_name(root.content)}"))
        return None
    base = root.get("base")
    root = replace(root, content={k: v for k, v in root.content.items() if k != "base"})
    root = written_out(root, model, faults)
    below = _base(base, path, model, faults, (*above, path)) if base else None
    return overlay(below, root) if below else root


def _base(
    node: Node, path: Path, model: type[BaseModel], faults: list[Fault], above: tuple[Path, ...]
) -> Node | None:
    if not isinstance(node.content, str):
        faults.append(node.location.fault("base is the name of a file", "base"))
        return None
    missing = unset(node.content)
    if missing:
        faults.append(node.location.fault(missing, "base"))
        return None
    try:
        below = Path(os.path.normpath(path.parent / named_path(node.content)))
        there = below.is_file()
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else error
        faults.append(node.location.fault(f"the base cannot be read: {words}", "base"))
        return None
    if len(above) > DEPTH_LIMIT:
        words = f"more than {DEPTH_LIMIT} bases stand on one another"
        faults.append(node.location.fault(words, "base"))
    elif below in above:
        chain = " -> ".join(file.name for file in (*above, below))
        faults.append(node.location.fault(f"the bases go round in a circle: {chain}", "base"))
    elif not there:
        faults.append(node.location.fault(f"there is no file {below}", "base"))
    else:
        return read_file(below, model, faults, above)
    return None


def unset(text: str) -> str | None:
    """What to do about a ``${NAME}`` that is not set; None when there is nothing to do."""
    for name in _VARIABLE.findall(text):
        if name not in os.environ:
            return f"${{{name}}} is not set; run `export {name}=FOLDER`, or write the path out"
    return None


def _name(content: object) -> str:
    return "a list" if isinstance(content, list) else repr(content)
