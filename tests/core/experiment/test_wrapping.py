"""Runs with an encoder around another one: features by view, weights kept, saved runs used."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import mmx
from mmx.data import make_split, read_manifest
from mmx.pipeline.learner import build_learner
from mmx.runs import RunFolder
from mmx.spec import OptimizerSpec
from mmx.training.optimiser import parameter_groups

Load = Callable[..., mmx.Spec]
LEVELS = ("L1", "L1-L2", "L2", "L2-L3", "L3")
SEQUENCE = "model.image={type: sequence, backbone: tiny_image, width: 4}"


@pytest.fixture
def spine(tmp_path: Path) -> Path:
    """Twelve studies of five levels each, whose label is how bright a crop is."""
    folder, generator = tmp_path / "spine", np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    lines = ["image_id,study_id,structure,level,label"]
    for study in range(24):
        for place, level in enumerate(LEVELS):
            bright = int(generator.random() < 0.5)
            noise = generator.integers(0, 60, (32, 32)) + 120 * bright
            name = f"{study:02d}_{place}"
            Image.fromarray(noise.astype(np.uint8)).save(folder / "images" / f"{name}.jpg")
            lines.append(f"{name},s{study},disc,{level},disc_{'normal' if bright else 'bulge'}")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def wrapped(load: Load, spine: Path) -> Load:
    """The experiment on these studies, with the levels around each crop."""

    def loaded(*overrides: str, context: int = 3) -> mmx.Spec:
        data = f"data.dataset={{type: spine, root: '{spine}', context: {context}}}"
        waived = "audit.waive={border_shortcut: the label is how bright a drawn crop is}"
        return load(data, "data.narrative=template", waived, *overrides)

    return loaded


def encoded(run: mmx.Run) -> list[int]:
    """Images encoded, as the log of a run tells."""
    lines = (run.path / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    return [event["image"] for event in events if event["event"] == "encoded"]


def test_a_second_method_over_the_same_views_encodes_nothing(wrapped: Load) -> None:
    assert encoded(mmx.run(wrapped(context=1))) == [120]  # crops alone, the backbone as it is
    assert encoded(mmx.run(wrapped(SEQUENCE))) == [0]
    other = "model.image={type: sequence, backbone: tiny_image, model: transformer, width: 4}"
    assert encoded(mmx.run(wrapped(other))) == [0]


def test_a_run_keeps_what_learns_and_not_the_frozen_backbone(wrapped: Load) -> None:
    run = mmx.run(wrapped(SEQUENCE))
    kept = load_file(run.path / "model.safetensors")
    assert any(name.startswith("encoders.image.model.lstm") for name in kept)
    assert not any("backbone" in name for name in kept)
    recorded = json.loads((run.path / "model.json").read_text())["encoders"]
    assert "image.backbone" in recorded


def test_a_saved_run_predicts_from_images_what_it_predicted_from_the_cache(
    wrapped: Load, spine: Path, tiny_plugin: Path
) -> None:
    spec = wrapped(SEQUENCE)
    run = mmx.run(spec)
    file = run.path.parent / "same.yaml"
    file.write_text((run.path / "resolved.yaml").read_text())
    again = mmx.evaluate_run(run.path, file, plugins=[tiny_plugin]).predictions.set_index("sample")
    before = run.predictions.query("part == 'test'").set_index("sample").loc[again.index]
    columns = [name for name in before if str(name).startswith("p_")]
    np.testing.assert_allclose(again[columns], before[columns], atol=2e-3)
    disc = {"structure": "disc", "level": "L1-L2"}
    case = mmx.Case("one", [None, spine / "images" / "00_0.jpg"], record=disc)
    (answered,) = mmx.predict(run.path, case, plugins=[tiny_plugin]).filter(like="p_").sum(axis=1)
    assert answered == pytest.approx(1)


def test_a_changed_backbone_is_refused(wrapped: Load, tiny_plugin: Path) -> None:
    run = mmx.run(wrapped(SEQUENCE))
    facts = json.loads((run.path / "model.json").read_text())
    facts["encoders"]["image.backbone"] = "0" * 64
    (run.path / "model.json").write_text(json.dumps(facts))
    RunFolder(run.path).finish()
    with pytest.raises(mmx.RunError, match=r"frozen image\.backbone encoder has other weights"):
        mmx.predict(run.path, mmx.Case("one"), without=["image"], plugins=[tiny_plugin])


@pytest.mark.parametrize("train", ["last", "full"])
def test_a_backbone_that_learns_is_kept_and_no_feature_is_cached(wrapped: Load, train: str) -> None:
    if train == "last":
        with pytest.raises(mmx.SpecError, match="model.image: .* no last stage"):
            mmx.run(wrapped(SEQUENCE, "model.image.train=last"))
        return
    run = mmx.run(wrapped(SEQUENCE, "model.image.train=full", "train.epochs=1"))
    kept = load_file(run.path / "model.safetensors")
    assert any(name.startswith("encoders.image.backbone.") for name in kept)
    assert "image" not in run.metrics["encoded"]


def test_train_is_said_once(wrapped: Load) -> None:
    inner = wrapped("model.image={type: sequence, backbone: {type: tiny_image, train: full}}")
    outer = wrapped("model.image={type: sequence, backbone: tiny_image, train: full}")
    assert [spec.model.encoders["image"].train for spec in (inner, outer)] == ["full", "full"]
    assert inner.digest_fields() == outer.digest_fields()
    twice = "{type: sequence, train: last, backbone: {type: tiny_image, train: full}}"
    with pytest.raises(mmx.SpecError, match="say it once"):
        wrapped(f"model.image={twice}")


def test_new_layers_learn_at_the_rate_of_new_layers(wrapped: Load) -> None:
    spec = wrapped(SEQUENCE, "model.image.train=full")
    manifest = read_manifest(spec.data.dataset.build(), 0.0, spec.task)
    model = build_learner(spec, manifest, make_split(manifest, spec.data.split)).model
    groups = parameter_groups(model, OptimizerSpec())
    kinds = {id(p): group["kind"] for group in groups for p in group["params"]}
    found = {name: kinds[id(p)] for name, p in model.named_parameters() if id(p) in kinds}
    assert found["encoders.image.backbone.layer.weight"] == "image"
    assert found["encoders.image.model.lstm.weight_ih_l0"] == "new"
    assert torch.is_tensor(model.encoder("image").state_dict()["score.weight"])
