"""The references list every public name with its call and its first sentence.

``python tests/docs/test_reference_pages.py`` writes the pages.
"""

import ast
import inspect
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from mmx import blocks

DOCS = Path(__file__).parents[2] / "docs"
CORE = Path(blocks.__file__).parents[1]
BLOCKS = """# Blocks

`mmx.blocks` holds layers and functions that methods share. They are public, as in
`from mmx.blocks import fused_vector`. Each docstring tells shapes, ranges and the source. A test
compares this page with the program.
"""
REFERENCE = """# Public names

Everything that a user or an author of methods imports. Other modules of mmx are not public and may
change without a word in the changelog. `help(mmx.Sample)` shows the whole docstring of a name. A
test compares this page with the program.
"""
MODULES = {
    "mmx": "What most users and authors need. Nothing heavy is loaded before a name is used.",
    "mmx.commands": "What the command line needs beside `mmx`, for programs that do its work.",
    "mmx.interfaces": "What authors of methods need, the frequent names of `mmx` included.",
    "mmx.blocks": "Layers and functions that methods share: [Blocks](blocks.md).",
    "mmx.evaluation": "Metrics, intervals and comparisons, for tasks and inference hooks.",
    "mmx.errors": "What mmx raises on purpose.",
    "mmx.testing": "The checks of each kind of method, for tests of your own.",
}


def own(value: Any) -> bool:
    """Whether it is a class or a function; a name of a type or a constant is neither."""
    return inspect.isclass(value) or inspect.isroutine(value)


def called(name: str, value: Any) -> str:
    """``name(a, b=1)``; of what cannot be called the name alone."""
    if not own(value):
        return name
    parameters = inspect.signature(value).parameters.values()
    return f"{name}({', '.join(map(_told, parameters))})"


def _told(one: inspect.Parameter) -> str:
    stars = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
    plain = isinstance(one.default, int | float | str | None)
    default = repr(one.default) if plain else "..."
    return f"{stars}{one.name}" + ("" if one.default is one.empty else f"={default}")


def first_sentence(name: str, value: Any) -> str:
    """Of the docstring, on one line; of a constant, the string that stands below it."""
    doc = inspect.getdoc(value) if own(value) else strings_below().get(name)
    text = " ".join((doc or "").partition("\n\n")[0].split())
    return re.sub(r"``(.*?)``", r"`\1`", text).replace("|", "\\|")


@cache
def strings_below() -> dict[str, str]:
    """Name of a constant or a type -> the string on the line below it."""
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in CORE.rglob("*.py")]
    return {
        target.id: below.value.value
        for tree in trees
        for line, below in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(line, ast.Assign | ast.AnnAssign)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(below.value.value, str)
        for target in ast.walk(line)
        if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)
    }


def table(rows: list[str]) -> list[str]:
    """Rows of names and what they are."""
    return ["| name | what it is |", "|---|---|", *rows, ""]


def page_of_blocks() -> str:
    """docs/blocks.md, with the calls."""
    kinds: dict[str, list[str]] = {"Layers": [], "Functions": [], "Others": []}
    for name in blocks.__all__:
        value = getattr(blocks, name)
        kind = "Layers" if isinstance(value, type) else "Functions" if own(value) else "Others"
        kinds[kind].append(f"| `{called(name, value)}` | {first_sentence(name, value)} |")
    lines = [BLOCKS]
    for kind, rows in kinds.items():
        lines += [f"## {kind}\n", *table(rows)] if rows else []
    return "\n".join(lines)


def page_of_all() -> str:
    """docs/reference.md, without the calls, which are long where a class has many fields."""
    lines = [REFERENCE]
    for module, words in MODULES.items():
        names = import_module(module).__all__
        rows = [
            f"| `{name}` | {first_sentence(name, getattr(import_module(module), name))} |"
            for name in names
        ]
        lines += [f"## {module}\n", f"{words}\n", *(table(rows) if module != "mmx.blocks" else [])]
    return "\n".join(lines).rstrip() + "\n"


PAGES = {"blocks.md": page_of_blocks, "reference.md": page_of_all}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_program_says(name: str) -> None:
    words = "run python tests/docs/test_reference_pages.py"
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), words


@pytest.mark.parametrize("module", MODULES)
def test_every_name_is_documented(module: str) -> None:
    public = import_module(module)
    told = {name: first_sentence(name, getattr(public, name)) for name in public.__all__}
    # dataclasses document themselves with their call
    assert [name for name, text in told.items() if not text or text.startswith(f"{name}(")] == []


if __name__ == "__main__":
    for page, make in PAGES.items():
        (DOCS / page).write_text(make(), encoding="utf-8")
