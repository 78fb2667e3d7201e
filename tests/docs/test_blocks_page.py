"""The reference of mmx.blocks lists every name with its call and its first sentence.

``python tests/docs/test_blocks_page.py`` writes the page.
"""

import inspect
import re
from pathlib import Path
from typing import Any

from mmx import blocks

PAGE = Path(__file__).parents[2] / "docs" / "blocks.md"
INTRO = """# Blocks

`mmx.blocks` holds layers and functions that methods share. They are public, as in
`from mmx.blocks import fused_vector`. Each docstring tells shapes, ranges and the source. A test
compares this page with the program.
"""


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


def first_sentence(value: Any) -> str:
    """Of the docstring, on one line."""
    text = " ".join((inspect.getdoc(value) or "").partition("\n\n")[0].split())
    return re.sub(r"``(.*?)``", r"`\1`", text).replace("|", "\\|")


def page() -> str:
    """The whole page."""
    kinds: dict[str, list[str]] = {"Layers": [], "Functions": [], "Others": []}
    for name in blocks.__all__:
        value = getattr(blocks, name)
        kind = "Layers" if isinstance(value, type) else "Functions" if own(value) else "Others"
        told = (
            first_sentence(value)
            if own(value)
            else ["a name for a type", "a constant"][name.isupper()]
        )
        kinds[kind].append(f"| `{called(name, value)}` | {told} |")
    lines = [INTRO]
    for kind, rows in kinds.items():
        lines += [f"## {kind}\n", "| name | what it is |", "|---|---|", *rows, ""] if rows else []
    return "\n".join(lines)


def test_the_page_is_what_the_program_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python tests/docs/test_blocks_page.py"


def test_every_name_is_documented() -> None:
    values = [getattr(blocks, name) for name in blocks.__all__]
    assert all(first_sentence(value) for value in values if own(value))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
