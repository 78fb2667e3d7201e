"""Every command with three modalities, and with one that is no pair's half: nothing is left out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from mmx.evaluation import shuffled_name
from mmx.study.executor import Heard
from mmx.study.job import Job, perform
from mmx_cli.main import app

SPEC = """
name: walk
data:
  dataset:
    type: table
    path: cases.csv
    images: {{{images}}}
    text: notes
    label: finding
    group: person
    record: [age, sex]
  narrative: {{type: column, column: notes}}
  image: {{height: 32, width: 32}}
  split: {{train: 0.5, validation: 0.25, test: 0.25}}
model:
  encoders: {{{encoders}}}
  fusion: {fusion}
  projection: 8
  head: {{type: mlp, hidden: 8}}
train: {{epochs: 1, batch_size: 16}}
"""
ENCODERS = {
    "skin": "tiny_image",
    "clinic": "tiny_image",
    "text": "tiny_text",
    "record": "{type: tabular, model: mlp, dim: 8}",
}
GIVEN = {
    "skin": ["--image", "skin=skin0.png"],
    "clinic": ["--image", "clinic=clinic0.png"],
    "text": ["--text", "it itches"],
    "record": ["--record", "age=40", "--record", "sex=male"],
}
SHOWN = {"skin": "data:image", "clinic": "clinic", "text": "itches", "record": "age 40 · sex male"}
TOLD_NOT_TO_BE_READ = {
    "skin": "an image is given, and this run reads none",
    "text": "a text is given, and this run reads none",
    "record": "does not read age, sex",
}


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of a study one after another; its processes are tested in tests/core/study."""

    class Here:
        workers = 1

        def __init__(self, workers: int, log: Path) -> None:
            self.log = log

        def run(self, jobs: Sequence[Job], heard: Heard) -> None:
            """One after another."""
            for job in jobs:
                heard(perform(job))

    monkeypatch.setattr("mmx.study.executors.LocalExecutor", Here)


@dataclass(frozen=True)
class Walk:
    """A spec of some modalities, and the commands on it."""

    names: tuple[str, ...]
    plugin: Path
    home: Path

    def __call__(self, *words: str, status: int = 0) -> str:
        """Output of a command that takes plugins."""
        done = CliRunner().invoke(app, [*words, "--plugin", str(self.plugin)])
        assert done.exit_code == status, done.output
        return done.output

    @property
    def run(self) -> str:
        """Folder of the finished run."""
        return str(next(self.home.rglob("runs/walk-*")))


@pytest.fixture
def walk(
    request: pytest.FixtureRequest, home: Path, tiny_plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> Walk:
    """48 cases; some lack the second picture, the text, or a cell of the record."""
    monkeypatch.chdir(home)
    draw, rows = np.random.default_rng(0), []
    for case in range(48):
        pair = case // 2  # of one case of each class, so that nothing tells the label
        row = {"finding": "ab"[case % 2], "person": f"p{case}", "age": 30 + case,
               "sex": "" if pair % 9 == 0 else ("male", "female")[pair % 2],
               "notes": "" if pair % 8 == 1 else f"it itches since {pair % 5} days"}  # fmt: skip
        for name in ("skin", "clinic"):
            pixels = draw.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(home / f"{name}{case}.png")
            row[name] = "" if name == "clinic" and pair % 8 == 2 else f"{name}{case}.png"
        rows.append(row)
    pd.DataFrame(rows).to_csv(home / "cases.csv", index=False)
    names = request.param
    images = [name for name in names if name in ("skin", "clinic")] or ["skin"]
    (home / "walk.yaml").write_text(
        SPEC.format(
            images=", ".join(f"{name}: {name}" for name in images),
            encoders=", ".join(f"{name}: {ENCODERS[name]}" for name in names),
            fusion="only" if len(names) == 1 else "gated",
        )
    )
    return Walk(names, tiny_plugin, home)


EVERY = pytest.mark.parametrize(
    "walk",
    [("skin", "text", "record"), ("skin", "clinic", "text"), ("record",), ("skin",)],
    indirect=True,
    ids=" and ".join,
)


@EVERY
def test_every_command_reads_every_modality_and_no_other(walk: Walk) -> None:
    assert "is valid" in walk("spec", "check", "walk.yaml")
    assert "0 errors" in walk("audit", "walk.yaml")
    unheard = "no encoder of this spec reads a text" in walk("narratives", "walk.yaml", "--n", "2")
    assert unheard == ("text" not in walk.names)
    walk("run", "walk.yaml")
    _check_run(walk)
    assert "balanced accuracy" in walk("evaluate", walk.run, "--data", "cases.csv")
    _check_answers(walk)
    assert "identical" in walk("reproduce", walk.run)


def _check_run(walk: Walk) -> None:
    metrics = json.loads(Path(walk.run, "metrics.json").read_text())
    page = Path(walk.run, "report.html").read_text()
    lacking = {"skin": 0, "clinic": 6, "text": 6, "record": 0}
    assert metrics["data_report"]["samples_without"] == {name: lacking[name] for name in walk.names}
    assert {f"{name} encoder" for name in walk.names} <= {*metrics["parameters"]}
    arms = {*metrics.get("missing", {})}
    assert len(walk.names) == 1 or {f"{name} only" for name in walk.names} <= arms
    assert [*metrics.get("shares", walk.names)] == [*walk.names]
    for name in {*ENCODERS} - {*walk.names, "clinic"}:
        assert f"no {name}" not in page
    assert ("<b>record:</b>" in page) == ("record" in walk.names)


def _check_answers(walk: Walk) -> None:
    walk("predict", walk.run, "--table", "cases.csv", "--out", "answers.csv")
    assert len(pd.read_csv("answers.csv")) == 48
    case = [word for name in walk.names for word in GIVEN[name]]
    told = walk("predict", walk.run, *case, "--explain", "why.html")
    page = Path("why.html").read_text()
    for words, where in (("Without a column", page), ("without a column, in points:", told)):
        assert (words in where) == ("record" in walk.names)
    for name, words in SHOWN.items():
        assert (words in page) == (name in walk.names), name
        assert f"no {name}" not in page
    for name in walk.names:
        rest = [word for other in walk.names if other != name for word in GIVEN[other]]
        if rest:
            walk("predict", walk.run, *rest, "--without", name)
            refused = walk("predict", walk.run, *rest, status=2)
            assert "which this run reads" in refused
    for name in {*TOLD_NOT_TO_BE_READ} - {*walk.names}:
        status = 0 if name == "record" else 2
        assert TOLD_NOT_TO_BE_READ[name] in walk(
            "predict", walk.run, *case, *GIVEN[name], status=status
        )


@pytest.mark.parametrize("walk", [("skin", "text", "record")], indirect=True)
def test_a_study_holds_each_modality_alone_beside_its_arms(walk: Walk) -> None:
    Path("study.yaml").write_text(
        "{study: walked, base: walk.yaml, vary: model.fusion, arms: [concat], seeds: [0]}"
    )
    assert "concat: " in walk("study", "run", "study.yaml", "--workers", "1")
    (file,) = walk.home.rglob("runs/studies/*/report.html")
    page = file.read_text()
    for name in walk.names:
        assert f"{name} only" in page
        assert shuffled_name(name) in page
