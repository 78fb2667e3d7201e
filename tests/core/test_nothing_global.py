"""No module keeps what one spec found for the next one: there is no registry of the process."""

import ast
import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from weakref import ref

import pluggy
import pytest

import mmx

ROOTS = ("core/mmx", "plugins/mmx_plugins", "cli/mmx_cli")
CHANGES = {
    "add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove",
    "setdefault", "update",
}  # fmt: skip
# what Python itself keeps for the process: the code of the modules in sys.modules
ALLOWED = {("imported.py", "_CODE"), ("imported.py", "_AS_IMPORTED")}


def changed_in(text: str) -> Iterator[str]:
    """Names of a module that one of its functions changes."""
    tree = ast.parse(text)
    named = {name for statement in tree.body for name in _targets(statement)}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = list(ast.walk(function))
            own = {node.arg for node in inside if isinstance(node, ast.arg)}
            own |= {
                n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
            for node in inside:
                yield from node.names if isinstance(node, ast.Global) else ()
                yield from {_changed(node)} & named - own


def _targets(statement: ast.stmt) -> Iterator[str]:
    found: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        found = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        found = [statement.target]
    yield from (target.id for target in found if isinstance(target, ast.Name))


def _changed(node: ast.AST) -> str:
    """The name whose entries a node sets, deletes or changes by a method; empty for others."""
    inner: ast.expr | None = None
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        inner = node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        inner = node.func.value if node.func.attr in CHANGES else None
    return inner.id if isinstance(inner, ast.Name) else ""


@pytest.mark.parametrize("root", ROOTS)
def test_no_function_changes_what_its_module_holds(root: str) -> None:
    found = {
        (file.name, name)
        for file in (Path(__file__).parents[2] / root).rglob("*.py")
        for name in changed_in(file.read_text(encoding="utf-8"))
    }
    assert found <= ALLOWED


@pytest.mark.parametrize(
    "line",
    ["KNOWN[name] = 1", "KNOWN.setdefault(name, 1)", "del KNOWN[name]", "global KNOWN"],
)
def test_such_a_function_is_found(line: str) -> None:
    assert list(changed_in(f"KNOWN = {{}}\n\ndef note(name):\n    {line}\n")) == ["KNOWN"]
    assert not list(changed_in(f"OTHER = {{}}\n\ndef note(KNOWN, name):\n    {line[:5]}\n"))


def test_no_module_holds_a_registry(load: Callable[..., mmx.Spec]) -> None:
    load("model.fusion=gated")
    mmx.Plugins().find("head", "mlp")
    held = [
        f"{module}.{name}"
        for module, content in list(sys.modules.items())
        if module.partition(".")[0] in ("mmx", "mmx_plugins", "mmx_cli")
        for name, value in list(vars(content).items())
        if isinstance(value, mmx.Plugins | pluggy.PluginManager)
    ]
    assert held == []
    assert not hasattr(mmx, "registry")


def test_nothing_is_left_of_a_spec_that_is_gone(load: Callable[..., mmx.Spec]) -> None:
    spec = load()
    plugins = ref(spec.plugins)
    assert plugins() is not None
    del spec
    gc.collect()
    assert plugins() is None
