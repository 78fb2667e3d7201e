"""Every extra that a page or a message names is one that each pip finds.

The metadata of a wheel spells extras with hyphens (PEP 685), and a pip of 2023 takes another
spelling for an extra that is not there: it warns and installs without it.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"\bmmx\[([\w.,-]+)\]")


def extras() -> set[str]:
    """Those of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return {*tomllib.loads(text)["project"]["optional-dependencies"]}


def test_extras_are_spelled_as_their_wheel_spells_them() -> None:
    assert {one for one in extras() if re.sub(r"[-_.]+", "-", one).lower() != one} == set()


def test_each_extra_that_is_named_is_there() -> None:
    parts = ("core", "plugins", "cli", "docs", "examples", "tests/gpu")
    files = [file for part in parts for file in (ROOT / part).rglob("*")]
    read = [file for file in files if file.suffix in (".py", ".md", ".yaml", ".toml", ".j2", ".sh")]
    read += [*ROOT.glob("*.md"), ROOT / "pyproject.toml"]
    named = {
        (name, file.relative_to(ROOT).as_posix())
        for file in read
        for group in NAMED.findall(file.read_text(encoding="utf-8"))
        for name in group.split(",")
    }
    assert len({name for name, _ in named}) > 5
    assert {(name, file) for name, file in named if name not in extras()} == set()
