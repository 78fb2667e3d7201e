"""The shape of the code: short files, short functions, few parameters, one assignment a line.

A function that is longer, or takes more, says why in a comment right above it (above its
decorators), which begins with ``# length:`` or ``# parameters:``. Files have no such way out.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOTS = ("core", "cli", "plugins")
FILE_LINES = 350
FUNCTION_LINES = 40  # from def to the last line, the docstring included
PARAMETERS = 6  # without self and cls
TARGETS = 2  # of one assignment that neither swaps nor unpacks
REASON = re.compile(r"^\s*# (length|parameters): \w{2,}")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A file, its lines and its syntax."""

    file: str
    lines: list[str]
    tree: ast.Module

    @classmethod
    def of(cls, file: str, text: str) -> "Source":
        return cls(file, text.splitlines(), ast.parse(text))


def sources() -> Iterator[Source]:
    """All that a user installs, one file at a time: kept syntax trees slow down what comes next."""
    for root in ROOTS:
        for file in sorted((ROOT / root).rglob("*.py")):
            yield Source.of(file.relative_to(ROOT).as_posix(), file.read_text("utf-8"))


def statements(body: Sequence[ast.stmt], inside: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """Every statement, and whether it stands in the body of a class; expressions hold none."""
    for node in body:
        yield node, inside
        parts = [node, *getattr(node, "handlers", []), *getattr(node, "cases", [])]
        for part in parts:
            for name in ("body", "orelse", "finalbody"):
                yield from statements(getattr(part, name, []), isinstance(node, ast.ClassDef))


def length(function: Function) -> int:
    """Lines from ``def`` to the end."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def parameters(function: Function, method: bool) -> int:
    """How many values a caller can give."""
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len(names) - (method and names[:1] in (["self"], ["cls"]))


def reasons(lines: list[str], function: Function) -> set[str]:
    """What the comment right above a function gives a reason for."""
    first = min([function.lineno, *(one.lineno for one in function.decorator_list)])
    found = set[str]()
    for above in range(first - 2, -1, -1):
        if not lines[above].strip().startswith("#"):
            break
        found |= set(REASON.findall(lines[above]))
    return found


def packed(node: ast.stmt) -> bool:
    """Whether an assignment puts several into one line that have nothing to do with each other."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple):
        return False
    target = node.targets[0]
    if not isinstance(target, ast.Tuple) or len(target.elts) <= TARGETS:
        return False
    names = {one.id for one in ast.walk(target) if isinstance(one, ast.Name)} - {"self"}
    return names.isdisjoint(one.id for one in ast.walk(node.value) if isinstance(one, ast.Name))


def measures(function: Function, method: bool) -> dict[str, tuple[int, int]]:
    """What is measured of a function, and the most that it may be."""
    return {
        "length": (length(function), FUNCTION_LINES),
        "parameters": (parameters(function, method), PARAMETERS),
    }


def faults_of(source: Source) -> Iterator[str]:
    """What of a file has another shape, with its line."""
    if len(source.lines) > FILE_LINES:
        yield f"{source.file} has {len(source.lines)} lines; split it by what it holds"
    for node, inside in statements(source.tree.body):
        where = f"{source.file}:{node.lineno}"
        if packed(node):
            yield f"{where}: one assignment a line"
        if not isinstance(node, Function):
            continue
        said = reasons(source.lines, node)
        for name, (number, most) in measures(node, inside).items():
            if number > most and name not in said:
                yield f"{where}: {node.name}: {name} {number}, {most} at most, or # {name}: why"
            if number <= most and name in said:
                yield f"{where}: {node.name}: its {name} needs no reason any more"


def test_files_and_functions_are_short_and_say_one_thing_a_line() -> None:
    files = 0
    found: list[str] = []
    for source in sources():
        files += 1
        found += faults_of(source)
    assert not found, "\n".join(found)
    assert files > 300


LONG = "def long():\n" + "    work()\n" * FUNCTION_LINES
MANY = "def many(a, b, c, d, e, f, *, g):\n    work()\n"
METHOD = "class Thing:\n    def many(self, a, b, c, d, e, f):\n        work()\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (LONG, 1),
        ("# length: it is a table of cases\n" + LONG, 0),
        ("# length:\n" + LONG, 1),
        ("# length: far away\n\n" + LONG, 1),
        ("# parameters: of another kind\n" + LONG, 2),
        ("# length: it was longer\ndef short():\n    work()\n", 1),
        ("# length: it is a table\n@cache\n" + LONG, 0),
        (MANY, 1),
        ("# parameters: options of a command\n# which has many\n" + MANY, 0),
        (METHOD, 0),
        ("work()\n" * (FILE_LINES + 1), 1),
        ("a, b, c = 1, 2, 3\n", 1),
        ("self.a, self.b, self.c = a, b, c\n", 1),
        ("a, b, c = b, c, a\n", 0),
        ("a, b, c = work()\n", 0),
        ("a, b = 1, 2\n", 0),
    ],
)
def test_what_is_measured(text: str, count: int) -> None:
    assert len(list(faults_of(Source.of("file.py", text)))) == count
