"""Laws of all kinds: settings that a spec can hold, claims that hold, and a light module."""

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from mmx.interfaces import Params
from mmx.plugins import syntax_tree
from mmx.testing.law import Laws, demand, same

Method = type[Params] | Params  # the class alone where settings must be given

HEAVY = {
    "accelerate", "mamba_ssm", "matplotlib", "sklearn", "timm", "torchvision", "transformers",
}  # fmt: skip


def described(method: Method) -> None:
    """Every setting has a description, and a spec can hold all of them."""
    own = type(method) if isinstance(method, Params) else method
    for name, field in own.model_fields.items():
        demand(name == "type" or bool(field.description), f"{name} has no description")
    if isinstance(method, Params):
        again = type(method).model_validate_json(method.model_dump_json())
        demand(again == method, "settings written as JSON and read again are others")


def reduces_to(method: Method) -> str | None:
    """C9: it equals the simpler methods that it says it becomes."""
    claims = method.reduces_to()
    for words, compute in claims.items():
        got, wanted = compute()
        same({"result": got}, {"result": wanted}, words)
    return "; ".join(claims) or None


def light_import(method: Method) -> None:
    """Its module imports no heavy library before something is built."""
    own = type(method) if isinstance(method, Params) else method
    file = inspect.getsourcefile(sys.modules[own.__module__])
    demand(file is not None, "its source cannot be found")
    tree = syntax_tree(Path(str(file)).read_bytes())
    found = sorted({name for name in _imported(tree.body) if name in HEAVY})
    demand(not found, f"its module imports {', '.join(found)} at its top; do so inside build")


def _imported(body: Iterable[ast.stmt]) -> Iterator[str]:
    """First names of all modules that these statements import when they run."""
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield (statement.module or "").partition(".")[0]
        elif isinstance(statement, ast.If):
            for_checkers = "TYPE_CHECKING" in ast.unparse(statement.test)
            yield from _imported(statement.orelse if for_checkers else statement.body)
        elif isinstance(statement, ast.Try | ast.With | ast.ClassDef):
            yield from _imported(statement.body)


ANY: Laws = {law.__name__: law for law in (described, reduces_to, light_import)}
