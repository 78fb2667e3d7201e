"""docs/plugins.md tells all that a task says, and marks what has no default."""

import re
from pathlib import Path

from mmx.interfaces import ComparableTask, Scores, Task, TaskParams

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n### Tasks\n")[2].partition("\n### ")[0]
ROWS = re.findall(r"^\| `(\w+)(?:\((.*?)\))?`( \*)? \|", SECTION, re.M)


def public(kind: type) -> set[str]:
    """What a class itself says, apart from its kind."""
    return {name for name in vars(kind) if not name.startswith("_")} - {"kind", "model_config"}


def test_every_method_of_a_task_is_told_with_its_arguments() -> None:
    told = {name: (given, bool(star)) for name, given, star in ROWS}
    methods = public(Task) | public(ComparableTask)
    for name in methods:
        method = getattr(Task, name)
        given, star = told[name]
        answering = method.fget if isinstance(method, property) else method
        assert answering is not None
        code = answering.__code__
        names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        assert given == ", ".join(names), name
        assert star == (name in Task.__abstractmethods__), name
    settings = public(TaskParams) - {"model_fields", "model_computed_fields"}
    assert set(told) == methods | settings


def test_all_that_scores_say_is_named() -> None:
    assert {name for name in public(Scores) if f"`{name}" not in SECTION} == set()
