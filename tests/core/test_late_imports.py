"""An import inside a function says why it stands there, beside it or on the line above."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [
    file for part in ("core", "plugins", "cli") for file in sorted((ROOT / part).rglob("*.py"))
]


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
