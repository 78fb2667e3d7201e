"""docs/commands.md names every command, every option and every variable that mmx reads."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from mmx_cli.main import app

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "commands.md"
HELP = {"-h", "--help"}


def commands() -> Iterator[tuple[str, set[str]]]:
    """Name of each command, as it is typed, and its options."""
    todo = [("mmx", typer.main.get_command(app))]
    for name, command in todo:
        below = getattr(command, "commands", {})
        todo += [(f"{name} {word}", one) for word, one in below.items()]
        if not below:
            yield name, {word for one in command.params for word in one.opts if word[0] == "-"}


def section(heading: str) -> str:
    """What stands below a heading, up to the next one."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    return text.partition("\n## ")[0]


def headings() -> set[str]:
    return set(re.findall(r"^## (mmx .+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def test_each_command_has_a_heading_and_no_other_has_one() -> None:
    assert headings() == {name for name, _ in commands()}


@pytest.mark.parametrize(("name", "options"), list(commands()))
def test_each_option_stands_below_its_command(name: str, options: set[str]) -> None:
    assert {word for word in options - HELP if f"`{word}" not in section(name)} == set()


@pytest.mark.parametrize(("name", "options"), list(commands()))
def test_no_option_is_made_up(name: str, options: set[str]) -> None:
    told = {word for row in re.findall(r"^\|(.*?)\|", section(name), re.MULTILINE) for word in
            re.findall(r"`(--[a-z-]+)", row)}  # fmt: skip
    assert told <= options


def test_every_variable_that_is_read_is_told() -> None:
    read = {
        name
        for folder in ("core", "cli", "tests")
        for file in (ROOT / folder).rglob("*.py")
        for name in re.findall(r'environ\.get\("(MMX_\w+)"', file.read_text(encoding="utf-8"))
    }
    assert {"MMX_CACHE", "MMX_RUNS"} <= read  # the search finds what it looks for
    assert {name for name in read if f"`{name}`" not in section("Environment variables")} == set()
