"""Types are nouns, and modalities are called modalities (docs/decisions/0046)."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = [ROOT / "core" / "mmx", ROOT / "cli" / "mmx_cli"]
PARTICIPLE = re.compile(
    r"_?[A-Z][a-z]+(ed|ept|oken)|_?(Told|Seen|Found|Done|Held|Shown|Drawn|Known|Kept|Gone|Chosen|Sent)"
)
FORMER = {"looks_at", "note_look", "ledger", "Ledger", "stand_in", "one_sided"}
ADAPTER = "api1"  # names of the first version of the interfaces

SHARED_FILES = {
    "__init__.py": "the face of its package",
    "model.py": "the network in mmx.model, and the block `model:` of a spec in mmx.spec",
    "split.py": "the parts of the rows in mmx.data, and the block `split:` of a spec in mmx.spec",
}
"""Names of files that two packages of core may have, each with its reason."""


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


def homes(paths: Iterable[Path]) -> dict[str, list[str]]:
    """Name of a file -> the folders that have one of that name, where there are several."""
    found = defaultdict[str, list[str]](list)
    for path in paths:
        found[path.name].append(path.parent.as_posix())
    return {name: folders for name, folders in found.items() if len(folders) > 1}


def test_a_name_of_a_file_says_in_one_package_alone_what_it_holds() -> None:
    found = homes(path.relative_to(ROOT) for path in files() if "mmx_cli" not in path.parts)
    assert {name: at for name, at in found.items() if name not in SHARED_FILES} == {}
    assert SHARED_FILES.keys() <= found.keys(), "a name that is no longer shared is in the list"


def test_two_files_of_one_name_are_seen() -> None:
    paths = [Path("data/views.py"), Path("blocks/views.py"), Path("blocks/rows.py")]
    assert homes(paths) == {"views.py": ["data", "blocks"]}


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
