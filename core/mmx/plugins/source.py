"""The source file of a module, found and read without importing anything."""

import ast
import os
import pkgutil
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from typing import Any

from mmx.plugins.syntax import syntax_tree

DOCSTRING = re.compile(rb'''\A(\s*#[^\n]*\n)*\s*"""[^\\]*?"""''')


@dataclass(frozen=True, slots=True)
class Outline:
    """What the source of a plugin tells before it is imported.

    Attributes:
        file: where it is.
        summary: first line of its docstring; empty when it has none.
        api: the MMX_API that it states; None when it states none.
        fault: why the source cannot be used; empty when nothing speaks against it.
    """

    file: str
    summary: str = ""
    api: int | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Module:
    """A module that was found and not imported.

    Attributes:
        file: where its source is; None for a folder without ``__init__.py``.
        folders: of its submodules; empty when it is no package.
    """

    file: str | None
    folders: tuple[str, ...] = ()


def find_module(module: str, path: Sequence[str] | None) -> Module | None:
    """A module by its dotted name; None when there is none, or it has no file.

    Args:
        module: dotted name.
        path: folders to search; None for what ``import`` would search.
    """
    return _module(_find_spec(module, path))


def find_submodule(module: str, package: Module) -> Module | None:
    """A module of a package that was found; None when there is none."""
    return _module(_search(module, package.folders))


def _module(spec: ModuleSpec | None) -> Module | None:
    folders = tuple(spec.submodule_search_locations or ()) if spec else ()
    if spec is None or (spec.origin is None and not folders):
        return None
    return Module(spec.origin if spec.has_location else None, folders)


def outline_module(module: str, path: Sequence[str] | None, type: str = "") -> Outline | None:
    """Outline of a module by its dotted name; None when there is no such module.

    Args:
        module: dotted name.
        path: folders to search; None for what ``import`` would search.
        type: method whose class docstring stands in for a missing module docstring.
    """
    spec = _find_spec(module, path)
    loader: Any = spec.loader if spec else None
    if spec is None or spec.origin is None or not hasattr(loader, "get_data"):
        return None  # also a folder without __init__.py, and what is built into Python
    return outline(spec.origin, loader.get_data(spec.origin), type)


def outline(file: str, content: bytes, type: str = "") -> Outline:
    """Outline of a file's content; that of a compiled module tells nothing."""
    if not file.endswith(".py"):
        return Outline(file)
    try:
        tree = syntax_tree(_needed(content))
    except (SyntaxError, ValueError) as error:  # ValueError: null bytes
        line = getattr(error, "lineno", None) or 1
        return Outline(file, fault=f"{file}:{line}: {getattr(error, 'msg', error)}")
    summary = (ast.get_docstring(tree) or _class_docstring(tree, type)).partition("\n")[0]
    stated = _assigned(tree, "MMX_API")
    if stated is None:
        return Outline(file, summary)
    if isinstance(stated, ast.Constant) and isinstance(stated.value, int):
        return Outline(file, summary, stated.value)
    fault = f"{file}:{stated.lineno}: MMX_API must be a plain integer, such as MMX_API = 1"
    return Outline(file, summary, fault=fault)


def _needed(content: bytes) -> bytes:
    """The docstring of a module where it alone matters: parsing all of it takes 20 times longer."""
    docstring = DOCSTRING.match(content)
    return docstring[0] if docstring and b"MMX_API" not in content else content


def _assigned(tree: ast.Module, name: str) -> ast.expr | None:
    """The value that a module assigns to a name at its top level."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return node.value
    return None


def _class_docstring(tree: ast.Module, type: str) -> str:
    """Docstring of the class with ``type: Literal[type] = type``."""
    for node in tree.body:
        for line in node.body if isinstance(node, ast.ClassDef) else ():
            if not (isinstance(line, ast.AnnAssign) and isinstance(line.value, ast.Constant)):
                continue
            if ast.unparse(line.target) == "type" and line.value.value == type:
                return ast.get_docstring(node) or ""  # type: ignore[arg-type]
    return ""


def _find_spec(module: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """Like importlib.util.find_spec, which would import the parent packages."""
    parts = module.split(".")
    top = _search(parts[0], sys.path if path is None else path)
    spec = _ask_finders(parts[0]) if top is None and path is None else top
    for depth in range(2, len(parts) + 1):
        if spec is None:
            return None
        spec = _search(".".join(parts[:depth]), spec.submodule_search_locations or ())
    return spec


def _search(name: str, folders: Iterable[str]) -> ModuleSpec | None:
    """Look for a module in folders and zip files; parts of a namespace package are joined."""
    portions: list[str] = []
    for folder in folders:
        finder = pkgutil.get_importer(folder or os.getcwd())
        spec = finder.find_spec(name) if finder else None
        if spec is not None and spec.loader is not None:
            return spec
        portions += (spec.submodule_search_locations or []) if spec else []
    if not portions:
        return None
    namespace = ModuleSpec(name, None, is_package=True)
    namespace.submodule_search_locations = portions
    return namespace


def _ask_finders(name: str) -> ModuleSpec | None:
    """Ask the import hooks, with which some tools make editable installs."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find(name, None) if find else None
        if spec is not None:
            return spec
    return None
