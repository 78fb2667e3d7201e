"""A Python file as what it computes: its syntax tree without comments, docstrings and layout."""

import ast
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zipimport import zipimporter

from mmx.plugins.syntax import syntax_tree

_LEAVES = (ast.Constant, ast.Name, ast.expr_context, ast.alias)  # nothing below them is read
_TOLD = (SyntaxError, ValueError, RecursionError, MemoryError)  # of ast.parse


@dataclass(frozen=True, slots=True)
class Import:
    """One name that a file takes from elsewhere.

    Attributes:
        module: dotted name; empty in ``from . import x``.
        name: what is taken from it; empty for the module as a whole.
        level: dots of a relative import.
        for_types: it stands under ``if TYPE_CHECKING``, where it is never executed.
    """

    module: str
    name: str = ""
    level: int = 0
    for_types: bool = False


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a file says.

    Attributes:
        digest: SHA-256 of the syntax tree, the same under every version of Python; of the bytes
            where the file is no Python or cannot be parsed.
        imports: at any depth of the file; of ``import x`` the attributes ``x.name`` that it reads.
    """

    digest: str
    imports: tuple[Import, ...] = ()


def parse_file(file: str) -> ParsedFile:
    """A file as it stands now; OSError when it cannot be read."""
    now = os.stat(_archive(file) or file)
    return _parsed(file, now.st_mtime_ns, now.st_ctime_ns, now.st_size, now.st_ino)


@lru_cache(maxsize=4096)
def _parsed(file: str, *_state: int) -> ParsedFile:
    """Remembered for the state of a file, which an edit changes."""
    archive = _archive(file)
    content = zipimporter(archive).get_data(file) if archive else Path(file).read_bytes()
    return parse(content, file.endswith(".py"))


def _archive(file: str) -> str | None:
    """The archive that a file lies in; None when it lies in a folder."""
    if os.path.exists(file):
        return None
    return next((str(above) for above in Path(file).parents if above.is_file()), None)


def parse(content: bytes, python: bool = True) -> ParsedFile:
    """The content of a file; what is not ``python`` is known by its bytes."""
    from hashlib import sha256  # loads OpenSSL, which listing methods needs not

    if not python:
        return ParsedFile(sha256(content).hexdigest())
    try:
        tree = syntax_tree(content)
        told = list[str]()
        _tell(tree, told)
    except _TOLD:
        return ParsedFile(sha256(content).hexdigest())
    found = _Imports()
    found.look([*tree.body])
    words = "\0".join(told).encode(errors="backslashreplace")
    return ParsedFile(sha256(words).hexdigest(), tuple(found.found))


def _tell(node: ast.AST, told: list[str]) -> None:
    """The tree as words; empty fields, which differ between versions of Python, are left out."""
    told.append(type(node).__name__)
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            kept = [item for item in value if not _is_text(item)]
            if kept:
                told.append(f"{name}[")
                for item in kept:
                    _tell_value(item, told)
                told.append("]")
        elif value is not None and name not in ("ctx", "kind"):
            told.append(name)
            _tell_value(value, told)


def _tell_value(value: object, told: list[str]) -> None:
    if isinstance(value, ast.AST):
        _tell(value, told)
    else:
        told.append(repr(value))


def _is_text(node: object) -> bool:
    """Whether a statement is a docstring, or another text that nothing reads."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


class _Imports:
    """What the nodes of a tree import, in the order in which they stand."""

    def __init__(self) -> None:
        self.found: list[Import] = []
        self._whole: dict[str, str] = {}  # name in the file -> module

    def look(self, nodes: list[ast.AST], *, for_types: bool = False) -> None:
        """These nodes and all below them; imports before what uses them."""
        if any(isinstance(node, ast.Import) for node in nodes):
            nodes = sorted(nodes, key=lambda one: not isinstance(one, ast.Import))
        for node in nodes:
            if isinstance(node, ast.ImportFrom):
                module, level = node.module or "", node.level
                self.found += [Import(module, one.name, level, for_types) for one in node.names]
            elif isinstance(node, ast.Import):
                self.found += [Import(one.name, for_types=for_types) for one in node.names]
                self._whole |= {one.asname or one.name: one.name for one in node.names}
            elif isinstance(node, ast.If) and _asks_for_checker(node.test):
                self.look([*node.body], for_types=True)
                self.look([*node.orelse], for_types=for_types)
            elif not isinstance(node, _LEAVES):
                self._note_read(node)
                self.look(_children(node), for_types=for_types)

    def _note_read(self, node: ast.AST) -> None:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = self._whole.get(node.value.id)
            if module is not None:
                self.found.append(Import(module, node.attr))


def _asks_for_checker(test: ast.expr) -> bool:
    """Whether a condition is ``TYPE_CHECKING`` itself; what its ``else`` holds is executed."""
    name = getattr(test, "id", "") or getattr(test, "attr", "")
    return isinstance(test, ast.Name | ast.Attribute) and name == "TYPE_CHECKING"


def _children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below one; ``ast.iter_child_nodes`` takes twice the time."""
    found = list[ast.AST]()
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [one for one in value if isinstance(one, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found
