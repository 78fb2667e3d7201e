"""An import inside a function says why it stands there, and is not made by the module anyway."""

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [
    file for part in ("core", "plugins", "cli") for file in sorted((ROOT / part).rglob("*.py"))
]
PACKAGES = {"mmx": "core", "mmx_plugins": "plugins", "mmx_cli": "cli"}
PARTS = {
    "scipy.ndimage": "scipy loads it for who asks",
    "scipy.sparse": "scipy loads it for who asks",
    "torch.utils.flop_counter": "torch leaves it out, and it brings triton",
}
"""Parts that do not come along when another part of their library is imported."""


def late_imports(tree: ast.AST) -> list[int]:
    """Lines of the imports that run when a function is called."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = {
        line.lineno
        for function in ast.walk(tree)
        if isinstance(function, functions)
        for line in ast.walk(function)
        if isinstance(line, ast.Import | ast.ImportFrom)
    }
    return sorted(found)


def silent(text: str) -> list[int]:
    """Those without a reason; consecutive ones share theirs."""
    lines, found = text.splitlines(), list[int]()
    told = set[int]()
    for number in late_imports(ast.parse(text)):
        here, above = lines[number - 1], lines[number - 2]
        if "# " in here or above.strip().startswith("#") or number - 1 in told:
            told.add(number)
        else:
            found.append(number)
    return found


def test_every_import_inside_a_function_has_its_reason() -> None:
    assert len(FILES) > 300
    wrong = {
        file.relative_to(ROOT).as_posix(): numbers
        for file in FILES
        if (numbers := silent(file.read_text(encoding="utf-8")))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("    import torch\n", [2]),
        ("    import torch  # a second of import\n", []),
        ("    # a second of import\n    import torch\n    import timm\n", []),
        ("    x = 1  # not the reason\n    import torch\n", [3]),
    ],
)
def test_what_counts_as_a_reason(body: str, expected: list[int]) -> None:
    assert silent(f"def one():\n{body}") == expected


def file_of(module: str) -> Path | None:
    """The file of one of our modules."""
    top, _, inner = module.partition(".")
    if top not in PACKAGES:
        return None
    path = ROOT / PACKAGES[top] / top / inner.replace(".", "/")
    files = (path / "__init__.py", path.with_name(f"{path.name}.py"))
    return next((file for file in files if file.is_file()), None)


def at_start(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when a module is imported."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for_checkers = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not for_checkers:
            yield node
            yield from at_start(getattr(node, "body", []))
        yield from at_start(getattr(node, "orelse", []))


@cache
def homes(module: str) -> dict[str, str]:
    """Public name -> home, of a module that loads its names on first use."""
    tree = ast.parse((file_of(module) or Path()).read_text(encoding="utf-8"))
    lines = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {name.name: str(line.module) for line in lines for name in line.names}


@cache
def imported_by(module: str) -> frozenset[str]:
    """What a module of ours imports at its top."""
    tree = ast.parse((file_of(module) or Path()).read_text(encoding="utf-8"))
    found = set[str]()
    for node in at_start(tree.body):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            inner = {f"{node.module}.{one.name}" for one in node.names}
            found |= {name for name in inner if file_of(name)}
            if node.module in ("mmx", "mmx.commands"):
                found |= {homes(node.module).get(one.name, "mmx") for one in node.names}
    return frozenset(found)


@cache
def loaded_with(module: str) -> frozenset[str]:
    """All that is imported before a module of ours can be used."""
    seen, waiting = set[str](), [module]
    while waiting:
        name = waiting.pop()
        above = name.rpartition(".")[0]
        if name and name not in seen:
            seen.add(name)
            waiting += [above, *(imported_by(name) if file_of(name) else ())]
    return frozenset(seen)


def needless(module: str, tree: ast.AST) -> list[str]:
    """Imports in functions of what is there before the function can be called."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    inner = [
        line
        for function in ast.walk(tree)
        if isinstance(function, functions)
        for line in ast.walk(function)
    ]
    names = [one.name for line in inner if isinstance(line, ast.Import) for one in line.names]
    names += [str(line.module) for line in inner if isinstance(line, ast.ImportFrom)]
    loaded, found = loaded_with(module), list[str]()
    for name in names:
        library = name.partition(".")[0]
        comes_along = library in loaded and library not in PACKAGES and name not in PARTS
        found += [name] if name in loaded or comes_along else []
    return found


def test_no_function_imports_what_its_module_has_loaded() -> None:
    wrong = dict[str, list[str]]()
    for file in FILES:
        inner = file.relative_to(ROOT).with_suffix("").parts[1:]
        module = ".".join(inner).removesuffix(".__init__")
        if found := needless(module, ast.parse(file.read_text(encoding="utf-8"))):
            wrong[module] = found
    assert wrong == {}


def test_an_import_that_is_made_anyway_is_seen() -> None:
    body = "def one():\n    import torch.nn\n    import mmx.errors\n    import sklearn.metrics\n"
    assert needless("mmx.model.assembly", ast.parse(body)) == ["torch.nn", "mmx.errors"]
