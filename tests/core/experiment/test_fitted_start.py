"""A run whose head is fitted first begins at the control ``probe``, and says so when it stays."""

import html
import re
from pathlib import Path

import numpy as np
import pytest

import mmx

HEAD = "model.head={type: linear_probe, hidden: 8}"
PLAIN = ("model.head_norm=none", "model.projection=null")
STILL = ("train.epochs=2", "train.optimizer={lr: 1.0e-12}", HEAD, *PLAIN)
DRAWN = "data.dataset={type: synthetic, n: 160, classes: 3, image_size: 32, target: "
TASKS = {
    "single_label": ("loss=logit_adjusted",),
    "ordinal": (
        "loss=logit_adjusted", "task={type: ordinal, levels: [minimal, mild, moderate]}",
        DRAWN + "levels}",
    ),
    "multi_label": ("loss=bce", "task=multi_label", DRAWN + "labels, unknown: 0.1}"),
}  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_epoch_0_is_the_probe(tiny_spec: Path, tiny_plugin: Path, task: str) -> None:
    overrides = [*STILL, *TASKS[task]]
    run = mmx.run(mmx.load_spec(tiny_spec, overrides=overrides, plugins=[tiny_plugin]))
    asked = run.predictions[run.predictions["part"] == "test"]
    probe = run.controls
    names = [name for name in asked.columns if name.startswith("p_")]
    assert asked["sample"].tolist() == probe["sample"].tolist()
    np.testing.assert_allclose(asked[names], probe[names], atol=1e-6)
    assert asked["predicted"].tolist() == probe["predicted"].tolist()
    assert run.metrics["best_epoch"] == 0
    score = next(iter(run.metrics["probe"]))
    reached = run.metrics["probe"][score]["value"]
    assert run.metrics["test"]["metrics"][score]["value"] == pytest.approx(reached, abs=1e-9)
    page = html.unescape(run.report.read_text(encoding="utf-8"))
    assert re.search(r"by validation .* none was better than the head as it was fitted", page)
    assert "epoch 0 was kept" in page
