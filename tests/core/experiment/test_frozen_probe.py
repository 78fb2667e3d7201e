"""The control on frozen features, beside every run."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

import mmx
from mmx.experiment.probe_features import pooled_features
from mmx.interfaces import Features, Views

Load = Callable[..., mmx.Spec]
FROZEN = ("model.image.train=frozen", "model.text.train=frozen", "train.epochs=1")


def test_it_stands_in_the_report_and_is_computed_once(load: Load, home: Path) -> None:
    run = mmx.run(load(*FROZEN))
    told = run.metrics["probe"]
    assert told["reads"] == ["image", "text"]
    assert 0 <= told["balanced_accuracy"]["low"] <= told["balanced_accuracy"]["value"] <= 1
    page = run.report.read_text()
    assert "<td>probe" in page.replace("<th>", "<td>").replace('<th scope="row">', "<td>")
    assert "a linear model on the frozen features of image and text of" in page
    (kept,) = (home / "cache").rglob("probes/*.json")
    before = kept.stat().st_mtime_ns
    other = mmx.run(load(*FROZEN, "model.fusion=add"))
    assert other.metrics["probe"] == told
    (again,) = (home / "cache").rglob("probes/*.json")
    assert again.stat().st_mtime_ns == before


def test_a_damaged_answer_is_computed_again(load: Load, home: Path) -> None:
    told = mmx.run(load(*FROZEN)).metrics["probe"]
    (kept,) = (home / "cache").rglob("probes/*.json")
    for content in ("{}", json.dumps({"strength": "x"}), kept.read_text().replace("0.", "1.", 1)):
        kept.write_text(content)
        assert mmx.run(load(*FROZEN), fresh=True).metrics["probe"] == told


def test_it_sees_what_the_fusion_reads(load: Load) -> None:
    run = mmx.run(load(*FROZEN, "model.fusion=text_only"))
    assert run.metrics["probe"]["reads"] == ["text"]


def test_a_run_whose_encoders_learn_says_why_it_has_none(load: Load) -> None:
    run = mmx.run(load("model.image.train=full", "model.text.train=full", "train.epochs=1"))
    assert run.metrics["probe"] == {"missing": "no encoder gives features that stay as they are"}
    assert "There is no probe beside this run" in run.report.read_text()


def test_several_labels_and_levels_have_one(load: Load) -> None:
    drawn = "data.dataset={type: synthetic, n: 160, classes: 3, image_size: 32, target: "
    labels = mmx.run(load(*FROZEN, "task=multi_label", drawn + "labels, unknown: 0.1}"))
    assert 0 <= labels.metrics["probe"]["macro_auroc"]["value"] <= 1
    task = "task={type: ordinal, levels: [minimal, mild, moderate]}"
    levels = mmx.run(load(*FROZEN, task, drawn + "levels}"))
    assert -1 <= levels.metrics["probe"]["quadratic_kappa"]["value"] <= 1


def test_a_probe_that_fails_costs_no_result(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError("no such luck")

    monkeypatch.setattr("mmx.experiment.frozen_probe.linear_probe", broken)
    run = mmx.run(load(*FROZEN))
    assert "ZeroDivisionError: no such luck" in run.metrics["probe"]["missing"]


class Given:
    """Features that are given, row by row."""

    def __init__(self, found: Features | Views) -> None:
        self.found = found

    def collate(self, rows: Sequence[int]) -> Features | Views:
        return self.found


def test_absent_modalities_are_zeros_and_views_their_mean() -> None:
    import torch

    pooled = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [float("nan"), 0.0]])
    there = torch.tensor([True, True, True, False])
    features = Features.of_pooled(pooled, there)
    rows = np.arange(4)
    found = pooled_features({"a": Given(features)}, ["a"], rows)
    assert np.array_equal(found, [[1, 2, 1], [3, 4, 1], [5, 6, 1], [0, 0, 0]])
    views = Views(features, (there.reshape(2, 2),), (8, 8))
    found = pooled_features({"a": Given(views)}, ["a"], rows[:2])
    assert np.array_equal(found, [[2, 3, 1], [5, 6, 1]])
