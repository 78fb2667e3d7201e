"""Folders of models from run to reproduce, as a user types it; every network is tiny and random."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import transformers as hf
from typer.testing import CliRunner, Result

from mmx_cli.main import app

afresh: Callable[..., Any] = sys.modules["afresh"].afresh
clip_folders = sys.modules["clip_folders"]

SPEC = """
name: folders
data:
  dataset: {type: table, path: cases/cases.csv, images: {image: [photo], clinic: [photo]},
    text: notes, label: finding, group: person, record: [age, sex]}
  narrative: {type: column, column: notes}
  split: {train: 0.5, validation: 0.25, test: 0.25}
model:
  encoders:
    image: {type: hf_vision, model: ./vit, train: last}
    clinic: {type: open_clip, model: ./clip, pool: shared}
    text: {type: open_clip_text, model: ./clip}
  fusion: concat
  head: {type: mlp, hidden: 8}
  projection: 8
train: {epochs: 1, batch_size: 8}
evaluation: {explain: false, prompts: {names: {benign: a mole}}}
"""
SMALL: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
    "image_size": 32, "patch_size": 16,
}  # fmt: skip


@pytest.fixture
def folders(home: Path, write_cases_into: Callable[..., Path]) -> Path:
    """Two folders of models, a table and a spec that reads them."""
    write_cases_into(home / "cases", 24)
    clip_folders.write(home / "clip", "clip")
    afresh(hf.ViTModel(hf.ViTConfig(**SMALL))).save_pretrained(home / "vit")
    hf.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(home / "vit")
    (home / "folders.yaml").write_text(SPEC)
    return home


def mmx(*words: object) -> Result:
    found = CliRunner().invoke(app, [str(word) for word in words])
    assert found.exit_code == 0, found.output
    return found


def test_folders_are_run_asked_explained_and_run_again(folders: Path) -> None:
    mmx("run", folders / "folders.yaml")
    run = next((folders / "runs").iterdir())
    told = json.loads((run / "metrics.json").read_text())
    assert [*told["zero_shot"]] == ["clinic"]
    assert "a photo of a mole" in (run / "report.html").read_text()
    mmx("evaluate", run, "--data", folders / "cases/cases.csv")
    photo, page = folders / "cases/images/003.png", folders / "why.html"
    images = ("--image", f"image={photo}", "--image", f"clinic={photo}")
    answered = mmx("predict", run, *images, "--text", "note 3", "--explain", page)
    assert answered.stdout.count("%") == 2
    assert page.read_text().count("<img") >= 2
    mmx("reproduce", run, "--out", folders / "again")
