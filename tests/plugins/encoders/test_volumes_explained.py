"""Explanations of volumes as a user asks for them: a slice, its heat, and where half of it lies."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from typer.testing import CliRunner
from wrapped import Patches

from mmx import Batch, Images
from mmx.inference.heat import heat_maps
from mmx.inference.looked_at import looked_at
from mmx.interfaces import Outputs
from mmx_cli.main import app
from mmx_plugins.encoders.conv3d import Conv3dParams
from mmx_plugins.encoders.pseudo_3d import Pseudo3d, Pseudo3dParams

SPEC = """
name: volumes
data:
  dataset: {type: table, path: cases.csv, images: {image: [slices]}, label: finding,
    group: null}
  split: {train: 0.5, validation: 0.25, test: 0.25}
  image: {height: 32, width: 32}
model:
  image: {type: sequence, model: none, backbone: tiny_image}
  fusion: {type: only, modality: image}
train: {epochs: 1, batch_size: 8}
"""
TOLD = r"image \d of 4, with the most heat \(\d+%\); half of it lies in image"


@pytest.fixture
def volumes(home: Path) -> Path:
    """Sixteen volumes of four slices of noise."""
    draw, lines = np.random.default_rng(0), ["slices,finding"]
    for row in range(16):
        names = [f"{row}-{place}.png" for place in range(4)]
        for name in names:
            pixels = draw.integers(0, 256, (32, 32), dtype=np.uint8)
            Image.fromarray(pixels).save(home / name)
        lines.append(f"{';'.join(names)},{'sick' if row % 2 else 'well'}")
    (home / "cases.csv").write_text("\n".join(lines) + "\n")
    return home


def test_the_report_and_predict_show_a_slice_under_its_heat(
    volumes: Path, tiny_plugin: Path
) -> None:
    (volumes / "spec.yaml").write_text(SPEC)
    plugin = ["--plugin", str(tiny_plugin)]
    asked = CliRunner().invoke(app, ["run", str(volumes / "spec.yaml"), *plugin])
    assert asked.exit_code == 0, asked.output
    (run,) = (volumes / "runs").iterdir()
    slices = [word for n in range(4) for word in ("--image", str(volumes / f"0-{n}.png"))]
    page = volumes / "why.html"
    asked = CliRunner().invoke(app, ["predict", str(run), *slices, "--explain", str(page), *plugin])
    assert asked.exit_code == 0, asked.output
    assert "4 files of image are read together, in the order given" in asked.output
    for text in (page.read_text(), (run / "report.html").read_text()):
        assert re.search(TOLD, text)
        assert 'alt="Where the evidence lies"' in text
        assert "cannot be told" not in text


class Classifier(nn.Module):
    """A linear layer on what an encoder pools."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.head = inner, nn.Linear(512, 2)

    def encoder(self, name: str) -> nn.Module:
        return self.inner

    def forward(self, batch: Batch) -> Outputs:
        found = self.inner(batch.inputs["image"])
        return Outputs(self.head(found.pooled), {}, batch.present, {}, {})


@pytest.mark.parametrize(("arch", "cells"), [("r3d_18", 2), ("mc3_18", 8)])
def test_networks_of_3d_convolutions_have_heat_in_each_slice(arch: str, cells: int) -> None:
    """R3D ends in one cell for eight slices, so the map before it is looked at."""
    torch.manual_seed(0)
    encoder = Conv3dParams.model_validate({"arch": arch, "weights": "none"}).build()
    images = Images(torch.rand(1, 8, 3, 32, 32), torch.ones(1, 8, dtype=torch.bool))
    batch = Batch({"image": images}, torch.ones(1, 1, dtype=torch.bool))
    model = Classifier(encoder).eval()
    heat = heat_maps(model, batch, torch.tensor([1]))  # type: ignore[arg-type]
    assert heat is not None
    assert heat.shape[:2] == (1, cells)
    looked = looked_at(encoder, images)
    assert looked is not None
    assert re.match(TOLD.replace("4", "8"), looked.shown(heat[0]).told)


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        ([True] * 5, "image 3 of 5; images 2 to 4 are read as one"),
        ([True, True, False, False, False], "image 2 of 2; images 1 to 2 are read as one"),
        ([False, True, False, True, True], "image 1 of 3"),
    ],
)
def test_of_stacked_slices_the_middle_one_is_shown(mask: list[bool], told: str) -> None:
    images = Images(torch.rand(1, 5, 3, 16, 16), torch.tensor([mask]))
    looked = looked_at(Pseudo3d(Pseudo3dParams(), Patches()), images)
    assert looked is not None
    assert looked.shown(torch.rand(1, 2, 2)).told == told
    place = torch.tensor(mask).nonzero()[int(told.split()[1]) - 1, 0]
    assert torch.equal(looked.views[0].pixels, images.pixels[0, place])
