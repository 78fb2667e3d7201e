"""Two kinds of images and a text, from a table to report, explanation, audit and controls."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import mmx
from mmx import commands
from mmx.experiment import audit_spec
from mmx.study.arms import resolve_arms

NAMES = ("dermoscopy", "clinic", "text")
WORDS = ("It itches badly at night.", "It bleeds when touched.", "No complaint is reported.")


@pytest.fixture
def spec_file(home: Path) -> Path:
    """60 cases; each tenth lacks its clinical photograph."""
    draw, rows = np.random.default_rng(0), []
    for case in range(60):
        row = {"id": f"c{case}", "finding": "abc"[case % 3], "notes": WORDS[case % 3]}
        for name in NAMES[:2]:
            pixels = draw.integers(40, 200, (32, 32, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(home / f"{case}-{name}.png")
            row[name] = "" if name == "clinic" and case % 10 == 0 else f"{case}-{name}.png"
        rows.append(row)
    pd.DataFrame(rows).to_csv(home / "cases.csv", index=False)
    path = home / "three.yaml"
    path.write_text(
        """
name: three
data:
  dataset:
    {type: table, path: cases.csv, id: id, group: null, label: finding, text: notes,
     images: {dermoscopy: [dermoscopy], clinic: [clinic]}}
  narrative: {type: column, column: notes}
  image: {height: 32, width: 32}
  split: {train: 0.5, validation: 0.2, test: 0.3}
model:
  encoders: {dermoscopy: tiny_image, clinic: tiny_image, text: tiny_text}
  fusion: concat
  projection: 8
train: {epochs: 1, batch_size: 16}
audit: {waive: {text_tells_label: "the texts are made from the label"}}
""",
        encoding="utf-8",
    )
    return path


def test_every_modality_has_its_share_and_its_explanation(
    spec_file: Path, tiny_plugin: Path, home: Path
) -> None:
    run = mmx.run(mmx.load_spec(spec_file, plugins=[tiny_plugin]))
    metrics = run.metrics
    assert set(metrics["missing"]) >= {
        "dermoscopy, clinic and text", "without clinic", "clinic only", "none",
        "clinic missing in 50%",
    }  # fmt: skip
    assert metrics["untrained_placeholders"] == ["dermoscopy", "text"]  # rows lack the clinic
    assert [*metrics["shares"]] == [*NAMES]
    shares = run.predictions[[f"share_{name}" for name in NAMES]]
    test = run.predictions["part"] == "test"
    lacking = test & run.predictions["sample"].str.endswith("0")
    assert lacking.any()
    assert (shares.loc[lacking, "share_clinic"] == 0).all()
    assert (shares.loc[test, "share_dermoscopy"] != 0).all()
    page = run.report.read_text(encoding="utf-8")
    assert "without dermoscopy (dermoscopy placeholder untrained)" in page
    assert '<p class="modality">clinic</p>' in page

    table = pd.read_csv(home / "cases.csv", dtype=str).iloc[1:3].fillna("")
    answers = mmx.ask(run.path, table, root=home, explain=True, plugins=[tiny_plugin])
    why = answers.explanations[0]
    assert [*why.images] == ["dermoscopy", "clinic"]
    assert all(one.heat for one in why.images.values())
    assert [*why.words] == ["text"]
    assert [*why.shares] == ["prior", *NAMES]
    best = max(answers.probabilities(0).values())
    assert sum(why.shares.values()) == pytest.approx(best, abs=1e-5)


def test_the_audit_names_the_modality_whose_images_are_copies(
    spec_file: Path, tiny_plugin: Path, home: Path
) -> None:
    for case in range(1, 60):
        (home / f"{case}-clinic.png").write_bytes((home / "1-clinic.png").read_bytes())
    found = audit_spec(mmx.load_spec(spec_file, plugins=[tiny_plugin])).findings
    (copies,) = [one for one in found if one.check == "identical_images"][:1]
    assert copies.message.startswith("clinic: ")


def test_each_modality_alone_is_a_control(spec_file: Path, tiny_plugin: Path) -> None:
    study = spec_file.with_name("study.yaml")
    study.write_text("{study: s, base: three.yaml, vary: model.fusion, arms: [add], seeds: [0]}")
    arms = resolve_arms(commands.load_study(study), [tiny_plugin]).arms
    controls = [one for one in arms if one.role == "control"]
    assert [one.name for one in controls] == [f"{name} only" for name in NAMES]
    assert not any(one.fault for one in controls)
    assert all(one.variables == ("model.fusion",) for one in controls)
