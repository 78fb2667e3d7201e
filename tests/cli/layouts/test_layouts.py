"""``mmx init`` on public layouts: what it writes runs, and what it guesses is printed.

Headers and the forms of cells are those of the published tables as far as we know them; every row
is made up. PadChest has a few more columns of DICOM headers. All of them run with
``MMX_TEST_PROFILE=nightly pytest tests/cli/layouts``; a few of different kinds run always.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import breast
import chest
import clinic
import eyes_and_others
import pytest
import skin
import yaml
from drawing import Layout
from typer.testing import CliRunner, Result

from mmx_cli.main import app

EACH = os.environ.get("MMX_TEST_PROFILE") == "nightly"
SOME = ("ISIC 2019", "Derm7pt", "APTOS 2019 as levels", "ODIR-5K", "CBIS-DDSM", "PadChest")
DEALT = {"train": 0.7, "validation": 0.15, "test": 0.15}
LAYOUTS = [
    one
    for family in (skin, eyes_and_others, breast, chest, clinic)
    for one in family.LAYOUTS
]  # fmt: skip
RUN = [one for one in LAYOUTS if EACH or one.name in SOME]


def asked(*words: str) -> Result:
    """A command of mmx that must end well."""
    done = CliRunner().invoke(app, [*words])
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done


def written(layout: Layout, home: Path) -> Result:
    """Draw a layout and write its spec."""
    table = layout.draw(home)
    options = [str(home / one) if one.endswith(".csv") else one for one in layout.options]
    return asked("init", "--table", str(table), "--out", str(home / "spec.yaml"), *options)


def told(lines: Sequence[str], start: str) -> list[str]:
    """The lines that begin so, without that."""
    return [line.removeprefix(start) for line in lines if line.startswith(start)]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.name)
def test_a_public_layout_is_understood(
    layout: Layout, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    said = written(layout, home).stdout.splitlines()
    spec: dict[str, Any] = yaml.safe_load((home / "spec.yaml").read_text())
    found = dict(spec["data"]["dataset"])
    assert found.pop("type") == "table"
    assert (home / found.pop("path")).exists()
    assert found.pop("root", ".") == layout.root
    assert found == layout.dataset
    assert {key: value for key, value in spec.items() if key == "task"} == {
        key: value for key, value in layout.spec.items() if key == "task"
    }
    assert spec["data"]["split"] == layout.spec.get("data.split", DEALT)
    left_out = told(said, "left out: ")
    for column, why in layout.left_out.items():
        assert any(one.startswith(f"{column or 'the column without a name'} (") and why in one
                   for one in left_out), (column, left_out)  # fmt: skip
    questions = told(said, "question: ")
    assert len(questions) == len(layout.questions), questions
    for question, words in zip(questions, layout.questions, strict=True):
        assert words in question
    asked("spec", "check", "spec.yaml")


@pytest.mark.slow
@pytest.mark.parametrize("layout", RUN, ids=lambda one: one.name)
def test_what_init_writes_runs(
    layout: Layout, home: Path, tiny_plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    written(layout, home)
    done = asked("run", "spec.yaml", "--plugin", str(tiny_plugin), *tiny(home / "spec.yaml"))
    assert done.stdout.splitlines()[-1].startswith("report: ")


def tiny(spec: Path) -> Iterator[str]:
    """Encoders that cost nothing instead of the bundled ones, small pictures, one epoch."""
    model = yaml.safe_load(spec.read_text())["model"]
    found = {f"model.{name}": one for name, one in model.items() if name in ("image", "text")}
    found |= {f"model.encoders.{name}": one for name, one in model.get("encoders", {}).items()}
    for key, one in found.items():
        key += ".backbone" if "backbone" in one else ""
        yield from ("--set", f"{key}=tiny_{'text' if key == 'model.text' else 'image'}")
    for one in ("data.image.height=32", "data.image.width=32", "train.epochs=1"):
        yield from ("--set", one)
