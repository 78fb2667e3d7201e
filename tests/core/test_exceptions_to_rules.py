"""A rule of the linter is left out with a reason: beside the line, or beside the list of rules."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOUSE = {"A", "BLE", "C4", "N", "PERF", "PIE", "PT", "RET", "RUF", "S", "TRY"}
SILENT = re.compile(r"# noqa(?!: [A-Z]+\d+(?:, [A-Z]+\d+)* - \w)")
"""Without a rule, or with nothing behind it."""


def silent(text: str) -> list[int]:
    """Lines that leave a rule out and do not say why."""
    return [number for number, line in enumerate(text.splitlines(), 1) if SILENT.search(line)]


def test_every_line_that_leaves_a_rule_out_says_why() -> None:
    files = [
        file
        for part in ("core", "plugins", "cli", "tests", "examples")
        for file in (ROOT / part).rglob("*.py")
        if file != Path(__file__)
    ]
    assert len(files) > 500
    found = {
        file.relative_to(ROOT).as_posix(): lines
        for file in files
        if (lines := silent(file.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_the_rules_of_the_house_are_asked_and_what_is_left_out_everywhere_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    rules = tomllib.loads(text)["tool"]["ruff"]["lint"]
    assert set(rules["select"]) >= HOUSE
    block = text.split("\nignore = [\n")[1].split("\n]")[0].splitlines()
    assert [line for line in block if not re.search(r"# \w", line)] == []


def test_what_counts_as_a_reason() -> None:
    bare, reason = "x = 1  # noqa", "x = 1  # noqa: B006 - typer copies it"
    assert silent("\n".join([bare, f"{bare}: B006", f"{bare}: B006 -", reason])) == [1, 2, 3]
