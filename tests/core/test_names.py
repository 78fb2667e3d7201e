"""Types are nouns, and modalities are called modalities (docs/decisions/0046)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = [ROOT / "core" / "mmx", ROOT / "cli" / "mmx_cli"]
PARTICIPLE = re.compile(
    r"_?[A-Z][a-z]+(ed|ept|oken)|_?(Told|Seen|Found|Done|Held|Shown|Drawn|Known|Kept|Gone|Chosen|Sent)"
)
FORMER = {"looks_at", "note_look", "ledger", "Ledger", "stand_in", "one_sided"}
ADAPTER = "api1"  # names of the first version of the interfaces


def files() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted(path for path in room.rglob("*.py") if ADAPTER not in path.parts)


def names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name


@pytest.mark.parametrize("word", ["Told", "_Noted", "Audited"])
def test_a_participle_is_known_as_one(word: str) -> None:
    assert PARTICIPLE.fullmatch(word)


def test_no_type_is_called_by_a_participle() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and PARTICIPLE.fullmatch(node.name)
    ]
    assert found == []


def test_former_names_are_gone() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files()
        for name in names(ast.parse(path.read_text()))
        if name in FORMER
    ]
    assert found == []
