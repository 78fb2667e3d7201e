"""A run whose head is fitted first begins at the control ``probe``, and says so when it stays."""

import html
from pathlib import Path

import numpy as np

import mmx

HEAD = "model.head={type: linear_probe, hidden: 8}"
PLAIN = ("model.head_norm=none", "model.projection=null", "loss=logit_adjusted")


def test_epoch_0_is_the_probe(tiny_spec: Path, tiny_plugin: Path) -> None:
    still = ("train.epochs=2", "train.optimizer={lr: 1.0e-12}", *PLAIN)
    run = mmx.run(mmx.load_spec(tiny_spec, overrides=[HEAD, *still], plugins=[tiny_plugin]))
    asked = run.predictions[run.predictions["part"] == "test"]
    probe = run.controls
    names = [name for name in asked.columns if name.startswith("p_")]
    assert asked["sample"].tolist() == probe["sample"].tolist()
    np.testing.assert_allclose(asked[names], probe[names], atol=1e-6)
    assert asked["predicted"].tolist() == probe["predicted"].tolist()
    assert run.metrics["best_epoch"] == 0
    assert (
        run.metrics["test"]["metrics"]["balanced_accuracy"]["value"]
        == (run.metrics["probe"]["balanced_accuracy"]["value"])
    )
    page = html.unescape(run.report.read_text(encoding="utf-8"))
    assert "by validation balanced accuracy none was better than the head as it was fitted" in page
    assert "epoch 0 was kept" in page
