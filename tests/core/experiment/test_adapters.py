"""Runs of which adapters learn: what is kept, going on, and being asked again."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import mmx
from mmx.interfaces import ADAPTER

Load = Callable[..., mmx.Spec]
IMAGE = (
    "model.image={type: timm, arch: test_efficientnet, weights: none, "
    "train: {lora: {rank: 2, alpha: 4}}}"
)


@pytest.fixture
def adapted(load: Load) -> mmx.Spec:
    return load(IMAGE, "train.epochs=4")


def test_a_run_keeps_adapters_alone_tells_what_learns_and_answers_again(
    adapted: mmx.Spec, tiny_spec: Path, tiny_plugin: Path
) -> None:
    run = mmx.run(adapted)
    kept = load_file(run.path / "model.safetensors")
    own = {name: value for name, value in kept.items() if name.startswith("encoders.image.")}
    assert own
    assert all(ADAPTER in name for name in own)
    assert any(value.abs().max() > 0 for name, value in own.items() if ".lora_B" in name)
    learning = run.metrics["parameters"]["learning"]
    assert learning == sum(value.numel() for value in kept.values() if value.is_floating_point())
    assert learning < run.metrics["parameters"]["image encoder"]
    assert "adapters of rank 2 beside" in (run.path / "report.html").read_text()
    again = mmx.evaluate_run(run.path, tiny_spec, plugins=[tiny_plugin])
    expected = run.metrics["test"]["metrics"]
    for name, interval in again.evaluation.metrics.items():
        assert interval.value == pytest.approx(expected[name]["value"], abs=5e-3), name


def test_a_run_that_was_stopped_ends_as_one_that_was_not(
    adapted: mmx.Spec, stop_in_training: Callable[[mmx.Spec], None]
) -> None:
    stop_in_training(adapted)
    run = mmx.run(adapted)
    assert run.folder.events("resumed")
    went_on = run.predictions.copy()
    first = load_file(run.path / "model.safetensors")
    whole = mmx.run(adapted, fresh=True)
    pd.testing.assert_frame_equal(went_on, whole.predictions)
    second = load_file(whole.path / "model.safetensors")
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())
