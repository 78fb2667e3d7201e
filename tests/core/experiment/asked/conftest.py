"""Runs that are asked about tables, each trained once, and the table that trained them."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import mmx

sys.path.insert(0, str(Path(__file__).parent))  # for asked_table, which lies beside it

KINDS = ("mel", "nv", "bcc")
SPEC = """
name: asked
data:
  dataset: {{type: table, path: {path}, label: dx, group: patient, {dataset}}}
  narrative: {narrative}
  image: {{height: 32, width: 32}}
model:
  image: {image}
  text: tiny_text
  fusion: {fusion}
  head: {{type: mlp, hidden: 8}}
  projection: 8
train: {{epochs: 1, batch_size: 16}}
evaluation: {{explain: false}}
audit: {{waive: {{text_tells_label: drawn}}}}
"""
TWO = "{type: multi_view, backbone: tiny_image, heads: 2, width: 4}"
RUNS: dict[str, dict[str, str]] = {
    "column": {"dataset": "id: case, images: [derm], text: notes, record: [Alter]"},
    "template": {
        "dataset": "images: [derm], record: [age, sex, site]",
        "narrative": "{type: template, templates: ['{case}.', 'I see {case}.', 'Look: {case}.']}",
    },
    "retrieved": {
        "dataset": "images: [derm], record: [age, sex, site]",
        "narrative": "{type: rangm, level: retrieved, neighbours: 2}",
    },
    "several": {"dataset": "images: [derm, clinic], text: notes", "image": TWO},
    "image_only": {"dataset": "images: [derm], text: notes", "fusion": "image_only"},
    "joined": {
        "path": "truth.csv, join: [notes.csv, who.csv]",
        "dataset": "id: case, images: [derm], text: notes",
    },
    "text_only": {"dataset": "images: [derm], text: notes", "fusion": "text_only"},
}
DEFAULTS = {
    "path": "cases.csv",
    "narrative": "{type: column, column: notes}",
    "image": "tiny_image",
    "fusion": "concat",
}


def draw(path: Path, seed: int) -> None:
    """A noisy square."""
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures and cases.csv."""
    folder, rows = tmp_path_factory.mktemp("asked"), []
    for i in range(36):
        for name in ("derm", "clinic"):
            draw(folder / f"{name}/{i}.png", i + 100 * (name == "clinic"))
        rows.append({
            "case": f"C{i:03d}", "dx": KINDS[i // 2 % 3], "patient": f"P{i // 2}",
            "derm": f"derm/{i}.png", "clinic": "" if i % 5 == 0 else f"clinic/{i}.png",
            "age": 20 + i, "sex": ("male", "female")[i % 2], "site": ("arm", "back")[i // 3 % 2],
            "Alter": 20 + i, "notes": "" if i % 7 == 0 else f"a spot that itches since {i} weeks",
        })  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    return folder


@pytest.fixture(scope="session")
def run_of(place: Path, tiny_plugin: Path) -> Callable[[str], mmx.Run]:
    """The run of a name in RUNS; trained once."""
    made: dict[str, mmx.Run] = {}

    def give(name: str) -> mmx.Run:
        if name not in made:
            spec = place / f"{name}.yaml"
            spec.write_text(SPEC.format(**{**DEFAULTS, **RUNS[name]}), encoding="utf-8")
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("MMX_CACHE", str(place / "cache"))
                patch.setenv("MMX_RUNS", str(place / "runs"))
                made[name] = mmx.run(mmx.load_spec(spec, plugins=[tiny_plugin]))
        return made[name]

    return give


@pytest.fixture(autouse=True)
def caches(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMX_CACHE", str(place / "cache"))
