"""No command drops what was typed: an option is taken once, or every time it is given."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from mmx_cli.main import app


def options() -> Iterator[tuple[list[str], Any]]:
    """Words of each command, and each of its options."""
    todo: list[tuple[list[str], Any]] = [([], typer.main.get_command(app))]
    for words, command in todo:
        below = getattr(command, "commands", {})
        todo += [([*words, name], one) for name, one in below.items()]
        for one in [] if below else command.params:
            if one.opts[0].startswith("-") and one.name != "help":
                yield words, one


def typed(option: Any) -> list[str]:
    """An option as it is typed, with a value if it takes one."""
    name = max(option.opts, key=len)
    return [name] if option.is_flag else [name, "x=y"]


@pytest.mark.parametrize(
    ("words", "option"), [(w, o) for w, o in options() if not o.multiple], ids=str
)
def test_an_option_for_one_thing_is_refused_the_second_time(words: list[str], option: Any) -> None:
    result = CliRunner().invoke(app, [*words, *typed(option), *typed(option)])
    assert result.exit_code == 2
    assert f"{max(option.opts, key=len)} is given more than once" in result.output


def test_options_for_several_things_are_there_and_are_not_refused() -> None:
    several = [(words, one) for words, one in options() if one.multiple]
    assert {"--set", "--plugin", "--image", "--record", "--column", "--class"} <= {
        name for _, one in several for name in one.opts
    }
    for words, one in several:
        result = CliRunner().invoke(app, [*words, *typed(one), *typed(one)])
        assert "more than once" not in result.output
