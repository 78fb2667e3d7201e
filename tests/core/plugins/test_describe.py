"""What `mmx plugins show` knows about a method."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, NonNegativeFloat

from mmx.errors import PluginError
from mmx.plugins import Plugins, describe
from mmx.plugins.describe import type_name

Install = Callable[..., Path]

KNOBS = '''
"""A method with all sorts of knobs.

Source: Somebody and others 2020,
arXiv:2001.00001.

More words.
"""
from typing import Annotated, Literal
from pydantic import Field
from mmx import HeadParams, hookimpl

class KnobsParams(HeadParams):
    type: Literal["knobs"] = "knobs"
    width: int = Field(ge=1, le=9, description="how wide", json_schema_extra={"unit": "channels"})
    rate: Annotated[float, Field(ge=0, lt=1)] | None = Field(None, description="share in [0, 1)")
    mode: Literal["mean", "max"] = "mean"
    sizes: tuple[int, ...] = Field(default_factory=lambda: (1, 2), min_length=1)
    on: bool = True
    def build(self, dim, classes): ...

@hookimpl
def mmx_components():
    return [KnobsParams]
'''


DIARY = """
'Keeps a diary.'
import mmx

@mmx.hookimpl
def mmx_run_started(run_path):
    pass
"""


@pytest.fixture
def plugins(install: Install, film: str) -> Plugins:
    modules = {"knobs_a.py": KNOBS, "film_a.py": film, "hook_a.py": DIARY}
    points = {"head.knobs": "knobs_a", "fusion.film": "film_a", "hook.diary": "hook_a"}
    return Plugins(path=[str(install("mmx-knobs", points, modules))])


def test_each_parameter_has_type_default_range_and_unit(plugins: Plugins) -> None:
    shown = describe("head.knobs", plugins=plugins)
    told = [(one.name, one.type, one.default, one.range, one.unit) for one in shown.parameters]
    assert told == [
        ("width", "int", None, ">= 1, <= 9", "channels"),
        ("rate", "float | null", "null", ">= 0, < 1", ""),
        ("mode", "mean | max", "mean", "", ""),
        ("sizes", "tuple[int, ...]", "[1, 2]", "at least 1 long", ""),
        ("on", "bool", "true", "", ""),
    ]
    assert [one.description for one in shown.parameters][:2] == ["how wide", "share in [0, 1)"]


def test_the_source_is_read_from_the_docstring_when_the_class_states_none(
    plugins: Plugins,
) -> None:
    shown = describe("head.knobs", plugins=plugins)
    assert shown.source == "Somebody and others 2020, arXiv:2001.00001."
    assert describe("film", plugins=plugins).source == ""


@pytest.mark.parametrize("name", ["film", "fusion.film", "mmx-knobs/film", "fusion.mmx-knobs/film"])
def test_a_method_may_be_named_in_four_ways(plugins: Plugins, name: str) -> None:
    assert describe(name, plugins=plugins).method.key == "fusion.film"


def test_a_name_of_two_kinds_asks_which(install: Install, film: str) -> None:
    points = {"fusion.film": "film_a", "head.film": "film_a"}
    plugins = Plugins(path=[str(install("mmx-film", points, {"film_a.py": film}))])
    with pytest.raises(PluginError, match="names 2 methods; write fusion.film or head.film"):
        describe("film", plugins=plugins)


@pytest.mark.parametrize(
    ("name", "meant"), [("knbos", "knobs"), ("haed.knobs", "head.knobs"), ("fusion.flim", "film")]
)
def test_a_misspelt_name_gets_the_nearest(plugins: Plugins, name: str, meant: str) -> None:
    with pytest.raises(PluginError, match=f"nearest: {meant}. Run `mmx plugins list`"):
        describe(name, plugins=plugins)


def test_a_hook_of_api_1_can_be_required(plugins: Plugins) -> None:
    shown = describe("diary", plugins=plugins)
    assert (shown.method.key, shown.text) == ("hook.diary", "Keeps a diary.")
    assert [(one.name, one.default) for one in shown.parameters] == [("required", "false")]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Annotated[int, Field(gt=0)], "int"),
        (NonNegativeFloat | None, "float | null"),
        (Literal[True, 3, "a"], "true | 3 | a"),
        (dict[str, list[float]], "dict[str, list[float]]"),
        (Path, "Path"),
    ],
)
def test_types_are_shown_in_words(annotation: object, words: str) -> None:
    assert type_name(annotation) == words
