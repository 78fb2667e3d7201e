"""Two kinds of images and a text, frozen and cached, beside a record that learns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import mmx
from mmx.experiment import stages
from mmx.interfaces import Features, Inputs
from mmx.model import Model
from mmx.pipeline import Sources

CASES = 40
WORDS = ("it itches badly", "it bleeds when touched", "nothing is reported")
FROZEN = ("derm", "clinic", "text")
SPEC = """
name: frozen
data:
  dataset:
    {type: table, path: cases.csv, id: id, group: null, label: finding, text: notes,
     images: {derm: [derm], clinic: [clinic]}, record: [age]}
  narrative: {type: column, column: notes}
  image: {height: 32, width: 32}
  split: {train: 0.5, validation: 0.2, test: 0.3}
model:
  encoders:
    derm: tiny_image
    clinic: tiny_image
    text: tiny_text
    record: {type: tabular, model: mlp, dim: 8}
  fusion: concat
  head: {type: mlp, hidden: 8}
  projection: 8
train: {epochs: 4, batch_size: 8, checkpoint_minutes: 0.0005}
evaluation: {explain: false}
"""
Load = Callable[..., mmx.Spec]


@pytest.fixture
def spec(home: Path, tiny_plugin: Path) -> Load:
    """Every second case shows one picture in both places, every tenth has no clinical one."""
    draw, rows = np.random.default_rng(0), []
    for case in range(CASES):
        row = {"id": f"c{case}", "finding": "ab"[case % 2], "notes": f"{WORDS[case % 3]} {case}",
               "age": 20 + case}  # fmt: skip
        pictures = draw.integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
        for number, name in enumerate(("derm", "clinic")):
            shown = pictures[0 if case % 2 else number]
            Image.fromarray(shown).save(home / f"{case}-{name}.png")
            row[name] = "" if name == "clinic" and case % 10 == 0 else f"{case}-{name}.png"
        rows.append(row)
    pd.DataFrame(rows).to_csv(home / "cases.csv", index=False)
    (home / "frozen.yaml").write_text(SPEC, encoding="utf-8")
    return lambda *changes: mmx.load_spec(
        home / "frozen.yaml", overrides=changes, plugins=[tiny_plugin]
    )


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Model, Sources]]:
    """The model and the sources of each run, as they come about."""
    found: list[tuple[Model, Sources]] = []
    open_sources = stages.open_sources

    def noted(spec: mmx.Spec, model: Model, *others: Any, **named: Any) -> Sources:
        found.append((model, open_sources(spec, model, *others, **named)))
        return found[-1][1]

    monkeypatch.setattr(stages, "open_sources", noted)
    return found


def test_each_is_encoded_once_kept_by_its_name_and_used_again(
    spec: Load, opened: list[tuple[Model, Sources]]
) -> None:
    first = mmx.run(spec())
    clinical = CASES - 4 + 1  # four cases lack it, and share what stands for it
    assert first.metrics["encoded"] == {"derm": CASES, "clinic": clinical, "text": CASES}
    second = mmx.run(spec("model.fusion=gated"))
    assert second.path != first.path
    assert second.metrics["encoded"] == dict.fromkeys(FROZEN, 0)
    for model, sources in opened:
        rows = range(CASES)
        found = {name: features(sources.by_name[name].collate(rows)) for name in FROZEN}
        for name in FROZEN:
            with torch.inference_mode():
                own = model.encoder(name)(sources.stores[name].collate(rows))
            there = own.present
            torch.testing.assert_close(found[name].present, there)
            torch.testing.assert_close(
                found[name].pooled[there], own.pooled[there], atol=2e-3, rtol=2e-3
            )
        same = torch.tensor([case % 2 == 1 for case in rows])  # one picture in both places
        apart = (found["derm"].pooled - found["clinic"].pooled).abs().amax(dim=1)
        assert (apart[same] > 0.01).all()  # though the weights of the two encoders differ


def features(inputs: Inputs) -> Features:
    """What the cache gives, which is no input of an encoder any more."""
    assert isinstance(inputs, Features)
    return inputs


def test_a_run_that_was_killed_ends_with_the_same_weights(
    spec: Load, stop_in_training: Callable[[mmx.Spec], None]
) -> None:
    changes = ("train.modality_dropout=0.3", "model.encoders.clinic.train=full")
    stop_in_training(spec(*changes))
    continued = mmx.run(spec(*changes))
    (resumed,) = continued.folder.events("resumed")
    assert resumed["step"] > 0
    predicted, weights = continued.predictions, load_file(continued.path / "model.safetensors")
    whole = mmx.run(spec(*changes), fresh=True)
    assert not whole.folder.events("resumed")
    pd.testing.assert_frame_equal(predicted, whole.predictions)
    expected = load_file(whole.path / "model.safetensors")
    assert weights.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in weights.items())
