"""Pictures of 12 bits are seen alike in the run, when it predicts and when it evaluates."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mmx
from mmx.inference.trained_run import load_trained

SPEC = """\
name: deep
data:
  dataset: {type: table, path: cases.csv, images: [file], text: note, label: dx, group: null}
  narrative: {type: column, column: note}
  image: {height: 32, width: 32}
model: {image: tiny_image, text: tiny_text, fusion: concat, head: {type: mlp, hidden: 8}}
train: {epochs: 1, batch_size: 16}
evaluation: {resamples: 20, explain: false}
"""


@pytest.fixture
def spec(home: Path, tiny_plugin: Path) -> mmx.Spec:
    lines = ["file,note,dx"]
    for row in range(60):
        random = np.random.default_rng(row)
        grey = random.normal([700, 2_000, 3_300][row % 3], 200, (36, 36)).clip(0, 4_095)
        Image.fromarray(grey.astype(np.uint16)).save(home / f"{row}.png")
        lines.append(f"{row}.png,seen on day {random.integers(9)},{'abc'[row % 3]}")
    (home / "cases.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (home / "spec.yaml").write_text(SPEC, encoding="utf-8")
    return mmx.load_spec(home / "spec.yaml", plugins=[tiny_plugin])


def test_the_range_is_measured_kept_said_and_used_again(
    spec: mmx.Spec, home: Path, tiny_plugin: Path
) -> None:
    run = mmx.run(spec)
    trained = load_trained(run.path, [tiny_plugin])
    assert trained.spec.data.frame("image").range == (0, 4_095)
    assert "0 is black, 4095 white, measured on" in run.report.read_text(encoding="utf-8")
    table = run.predictions.query("part == 'test'")
    columns = [name for name in table if str(name).startswith("p_")]
    found = mmx.ask(run.path, home / "cases.csv", plugins=[tiny_plugin])
    assert "grey of files with more than 8 bits: 0 is black, 4095 white" in found.notes
    answers = found.table
    asked = answers.set_index("id").loc[table["sample"].tolist(), columns]
    np.testing.assert_allclose(asked, table[columns], atol=1e-4)


def test_grey_that_the_run_never_saw_is_told(spec: mmx.Spec, home: Path, tiny_plugin: Path) -> None:
    deep = {file: file.read_bytes() for file in home.glob("*.png")}
    for file in deep:
        Image.open(file).point(lambda value: value / 16).convert("L").save(file)
    run = mmx.run(spec)
    for file, content in deep.items():
        file.write_bytes(content)
    (told,) = mmx.ask(run.path, home / "cases.csv", plugins=[tiny_plugin]).notes
    assert told.startswith("files have more than 8 bits of grey (from 0 to 4095), and those that")
