"""The control on frozen features, beside every run."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import mmx
from mmx.data import Part
from mmx.experiment import frozen_probe, probe_features
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


class Numbers:
    """The number of a row as its feature."""

    def collate(self, rows: Sequence[int]) -> Features:
        pooled = torch.tensor(rows, dtype=torch.float32)[:, None]
        return Features.of_pooled(pooled, torch.ones(len(rows), dtype=torch.bool))


class Known(SimpleNamespace):
    """A task that knows targets of 0 and above."""

    def known(self, target: torch.Tensor) -> torch.Tensor:
        return target >= 0


@pytest.mark.parametrize(("most", "step"), [(1000, 1), (45, 1), (44, 2), (10, 5), (1, 45)])
def test_of_very_many_training_rows_every_kth_is_learned_from(
    most: int, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty rows, of which five are unknown, gathered in pieces; features and targets agree."""
    monkeypatch.setattr(frozen_probe, "MOST", most)
    monkeypatch.setattr(probe_features, "ROWS", 3)
    targets = torch.arange(100, 150)
    targets[::10] = -1
    rows = (targets - 100).clamp(min=0).tolist()
    parts = {part: Part(rows, {}, targets, ["x"] * 50) for part in ("train", "validation", "test")}
    sources: Any = SimpleNamespace(by_name={"image": Numbers()})
    task: Any = Known()
    data = frozen_probe.probe_data(sources, parts, ("image",), task)
    train = data.features["train"]
    assert np.array_equal(train[:, 0] + 100, data.targets["train"].numpy())
    assert len(train) == -(-45 // step) <= most
    assert len(data.features["test"]) == 50


class Given:
    """Features that are given, row by row."""

    def __init__(self, found: Features | Views) -> None:
        self.found = found

    def collate(self, rows: Sequence[int]) -> Features | Views:
        return self.found


def test_absent_modalities_are_zeros_and_views_their_mean() -> None:
    pooled = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [float("nan"), 0.0]])
    there = torch.tensor([True, True, True, False])
    features = Features.of_pooled(pooled, there)
    rows = np.arange(4)
    found = pooled_features({"a": Given(features)}, ["a"], rows)
    assert np.array_equal(found, [[1, 2, 1], [3, 4, 1], [5, 6, 1], [0, 0, 0]])
    views = Views(features, (there.reshape(2, 2),), (8, 8))
    found = pooled_features({"a": Given(views)}, ["a"], rows[:2])
    assert np.array_equal(found, [[2, 3, 1], [5, 6, 1]])
