"""The input kind of docs/plugins.md runs as it is printed: from a table to new cases."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mmx

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"
SPEC = """
name: waves
data:
  dataset:
    type: table
    path: cases.csv
    inputs: {wave: wave_file}
    images: [photo]
    label: dx
    group: null
  image: {height: 32, width: 32}
model:
  encoders: {wave: wave, image: tiny_image}
  fusion: concat
  projection: 8
train: {epochs: 1, batch_size: 16}
"""


@pytest.fixture
def plugin(home: Path) -> Path:
    """The code of the page, as a file."""
    section = PAGE.read_text(encoding="utf-8").partition("\n### A kind of input\n")[2]
    (code, *_) = re.findall(r"```python wave.py\n(.*?)```", section, re.DOTALL)
    file = home / "wave.py"
    file.write_text(code, encoding="utf-8")
    return file


def cases(home: Path, write_image: Callable[..., Path]) -> None:
    rows = []
    for row in range(40):
        wave = np.random.default_rng(row).normal(row % 2, 1, 100).astype(np.float32)
        np.save(home / f"{row}.npy", wave)
        file = "" if row == 5 else f"{row}.npy"
        photo = write_image(f"{row}.png", seed=row).name
        rows.append({"wave_file": file, "photo": photo, "dx": "ab"[row % 2]})
    pd.DataFrame(rows).to_csv(home / "cases.csv", index=False)


def test_the_page_runs_from_a_table_to_new_cases(
    home: Path, plugin: Path, tiny_plugin: Path, write_image: Callable[..., Path]
) -> None:
    cases(home, write_image)
    file = home / "waves.yaml"
    file.write_text(SPEC, encoding="utf-8")
    plugins = [tiny_plugin, plugin]
    run = mmx.run(mmx.load_spec(file, plugins=plugins))
    kept = run.predictions.set_index("sample")
    test = kept[kept["part"] == "test"]
    answers = mmx.predict(run.path, home / "cases.csv", plugins=plugins)
    got = answers.iloc[[int(str(name)) - 2 for name in test.index]]
    assert np.abs(got["p_a"].to_numpy() - test["p_a"].to_numpy()).max() < 1e-4
    assert run.metrics["encoded"]["wave"] == 40, "39 curves, and the row without one"
    moved = pd.read_csv(home / "cases.csv")
    moved.loc[3, "wave_file"] = "lost.npy"
    told = mmx.predict(run.path, moved, root=home, plugins=plugins)
    assert "lost.npy" in told["reason"].iloc[3]


def test_the_statistics_come_back_with_the_run(
    home: Path, plugin: Path, tiny_plugin: Path, write_image: Callable[..., Path]
) -> None:
    cases(home, write_image)
    file = home / "waves.yaml"
    file.write_text(SPEC, encoding="utf-8")
    plugins = [tiny_plugin, plugin]
    run = mmx.run(mmx.load_spec(file, plugins=plugins))
    assert '"wave"' in (run.path / "model.json").read_text()
    assert mmx.run(mmx.load_spec(file, plugins=plugins)).path == run.path
    np.save(home / "7.npy", np.zeros(100, np.float32))
    other = mmx.run(mmx.load_spec(file, plugins=plugins))
    assert other.path != run.path, "a curve that changed is another run"
