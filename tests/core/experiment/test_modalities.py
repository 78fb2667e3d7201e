"""Runs of one, two and three modalities, from spec to report."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mmx

Load = Callable[..., mmx.Spec]
KINDS = ("data.dataset.images=[image, clinic]",)
THREE = (*KINDS, "model.encoders={image: tiny_image, clinic: tiny_image, text: tiny_text}")


def numbers(run: mmx.Run) -> Any:
    table = pd.read_parquet(run.folder.path / "predictions.parquet")
    return table.filter(regex="^p_").to_numpy()


def metrics(run: mmx.Run) -> Any:
    return json.loads((run.folder.path / "metrics.json").read_text())


@pytest.mark.parametrize("fusion", ["concat", "late", "cross_attention"])
def test_three_modalities_are_reported_by_name(load: Load, fusion: str) -> None:
    run = mmx.run(load(*THREE, f"model.fusion={fusion}", "train.modality_dropout=0.3"))
    found = metrics(run)
    assert {"image only", "clinic only", "text only", "without clinic"} <= {*found["missing"]}
    assert {*found["parameters"]} >= {"image encoder", "clinic encoder", "text encoder"}
    assert np.isfinite(numbers(run)).all()
    assert "clinic" in (run.folder.path / "report.html").read_text()


def test_an_encoder_that_nobody_reads_changes_no_number(load: Load) -> None:
    only = "model.fusion={type: only, modality: image}"
    alone = mmx.run(load(*KINDS, "model.encoders={image: tiny_image}", only))
    beside = mmx.run(load(*THREE, only))
    assert (numbers(alone) == numbers(beside)).all()


@pytest.mark.parametrize("name", ["image", "text"])
def test_one_modality_alone_is_a_whole_run(load: Load, name: str) -> None:
    other = {"image": "text", "text": "image"}[name]
    run = mmx.run(load(f"model.{other}=null", f"model.fusion={{type: only, modality: {name}}}"))
    found = metrics(run)
    assert "missing" not in found
    assert f"{name} encoder" in found["parameters"]
    assert f"{other} encoder" not in found["parameters"]
    report = (run.folder.path / "report.html").read_text()
    assert "cannot be told" not in report
