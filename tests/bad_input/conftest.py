"""A place with a good spec, a good table, and a finished run, of which a test spoils one thing."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import mmx
from mmx_cli.main import app

PLUGIN = Path(__file__).parents[1] / "tiny" / "encoders.py"
SPEC = f"""\
name: good
data:
  dataset: {{type: table, path: cases.csv, images: [photo], text: notes, label: finding,
            group: person, record: [age]}}
  narrative: {{type: column, column: notes}}
  image: {{height: 16, width: 16}}
model:
  image: tiny_image
  text: tiny_text
  fusion: concat
  head: {{type: mlp, hidden: 8}}
  projection: 4
train: {{epochs: 1, batch_size: 8, threads: 1}}
# {PLUGIN.name} holds the encoders
"""
HALF = (".part", ".partial", ".facts", ".tmp")  # how files are called while they are written


def write_good(folder: Path) -> None:
    """Write spec.yaml, cases.csv and 24 images."""
    (folder / "images").mkdir(parents=True)
    lines = ["photo,notes,finding,person,age"]
    for row in range(24):
        pixels = np.random.default_rng(row).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"images/{row:02d}.png")
        label = ("benign", "malignant")[row % 2]
        lines.append(f"images/{row:02d}.png,for {row} days,{label},person-{row},{30 + row}")
    (folder / "cases.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")


@pytest.fixture(scope="session")
def good_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, made once."""
    folder = tmp_path_factory.mktemp("good") / "data"
    write_good(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMX_RUNS", str(folder / "runs"))
        patch.setenv("MMX_CACHE", str(folder / "cache"))
        return mmx.run(mmx.load_spec(folder / "spec.yaml", plugins=[PLUGIN])).path


@dataclass(frozen=True)
class Location:
    """A folder in which commands are run."""

    path: Path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def swap(self, name: str, old: str, new: str) -> None:
        """Replace a text once in a file; it must be there."""
        text = (self / name).read_text(encoding="utf-8")
        assert old in text
        (self / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    def files(self) -> dict[str, bytes]:
        """Every file outside the cache, with its content."""
        found = sorted(file for file in self.path.rglob("*") if file.is_file())
        kept = [f for f in found if not f.is_relative_to(self / "cache") and f.name != ".lock"]
        return {str(file.relative_to(self.path)): file.read_bytes() for file in kept}

    def half_written(self) -> list[str]:
        """What a failed command must not leave, in the cache neither."""
        names = [(file.name, str(file)) for file in self.path.rglob("*")]
        return [path for name, path in names if name.endswith(HALF) or ".writing-" in name]


@pytest.fixture
def place(tmp_path: Path, good_run: Path, monkeypatch: pytest.MonkeyPatch) -> Location:
    """The working folder, with spec.yaml, cases.csv, images and a finished run in ``run``."""
    write_good(tmp_path / "work")
    shutil.copytree(good_run, tmp_path / "work" / "run")
    (tmp_path / "outside.png").write_bytes((tmp_path / "work/images/00.png").read_bytes())
    monkeypatch.setenv("MMX_RUNS", str(tmp_path / "work" / "runs"))
    monkeypatch.setenv("MMX_CACHE", str(tmp_path / "work" / "cache"))
    monkeypatch.chdir(tmp_path / "work")
    return Location(tmp_path / "work")


@pytest.fixture
def command() -> Callable[..., Result]:
    """Run ``mmx`` in this process: command("run", "spec.yaml")."""

    def call(*words: Any) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return call
