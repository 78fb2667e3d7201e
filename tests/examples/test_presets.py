"""Every preset under examples/ loads; those without downloads run small, the others are built."""

from pathlib import Path
from typing import Any

import pytest
import torch

import mmx
from mmx import commands
from mmx.data import make_split, read_manifest
from mmx.pipeline.learner import build_learner

EXAMPLES = Path(__file__).parents[2] / "examples"
PRESETS = sorted(
    path for name in ("ham10000", "spine") for path in (EXAMPLES / name).glob("*.yaml")
)
DOWNLOADS = [path for path in PRESETS if path.stem in ("mibf_net", "mibf_net_published", "connext")]
TRAINED = [path for path in PRESETS if path.stem == "finetune"]
SMALL = [path for path in PRESETS if path not in [*DOWNLOADS, *TRAINED]]
RUN = list({path.stem: path for path in reversed(SMALL)}.values())  # one of each name
# model, loss, sampler and hooks stay those of the preset; the data becomes small drawings
DRAWN = (
    "data.dataset={type: synthetic, n: 60, classes: 3, image_size: 32, imbalance: 3}",
    "data.narrative={type: column, column: text}",
    "data.image={height: 32, width: 32}",
)
SHORT = (*DRAWN, "train.epochs=1")


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Data are named, not read; runs and caches lie beside the tests."""
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("MMX_DATA", str(base / "no-data"))
    monkeypatch.setenv("MMX_RUNS", str(base / "runs"))
    monkeypatch.setenv("MMX_CACHE", str(base / "cache"))


def changed(path: Path) -> set[str]:
    """Dotted keys of a resolved preset that differ from its data set's baseline."""
    base = flat(mmx.load_spec(path.parent / "baseline.yaml").resolved())
    own = flat(mmx.load_spec(path).resolved())
    return {key for key in base.keys() | own.keys() if base.get(key) != own.get(key)} - {"name"}


def flat(tree: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {path: tree}
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= flat(value, f"{path}.{key}" if path else key)
    return found


@pytest.mark.parametrize(
    ("stem", "within"),
    [
        ("kan", ("model.head",)),
        ("residual", ("model.head",)),
        ("moe", ("model.head",)),
        ("attention_pool", ("model.head", "model.fusion")),
        ("focal", ("loss",)),
        ("disagreement", ("loss",)),
        ("weighted_sampler", ("train.sampler",)),
        ("prior_correction", ("train.sampler", "inference")),
        ("temperature", ("inference",)),
        ("tta", ("inference",)),
        ("rangm_meta", ("data.narrative",)),
        ("rangm_visual", ("data.narrative",)),
        ("rangm_retrieved", ("data.narrative",)),
        ("rangm_oracle", ("data.narrative", "audit")),
        ("mc_dropout", ("inference",)),
        ("conformal", ("inference",)),
        ("selective", ("inference",)),
        ("sequence", ("model.encoders.image", "data.dataset")),
        ("multi_view", ("model.encoders.image", "data.dataset")),
        ("dual_expert", ("model.encoders.image",)),
        ("global_local", ("model.encoders.image",)),
        ("pseudo_3d", ("model.encoders.image",)),
        ("mibf_net_bundled", ("model.fusion", "loss")),
        ("mibf_net_published_bundled", ("model.fusion", "loss")),
        ("connext_bundled", ("model.head",)),
    ],
)
def test_a_preset_differs_from_its_baseline_only_where_its_name_says(
    stem: str, within: tuple[str, ...]
) -> None:
    paths = [path for path in PRESETS if path.stem == stem]
    assert paths
    for path in paths:
        keys = changed(path)
        assert keys
        assert [key for key in keys if not key.startswith(within)] == []


@pytest.mark.parametrize("path", PRESETS, ids=name_of)
def test_a_preset_reads_the_real_data_of_its_folder(path: Path) -> None:
    spec = mmx.load_spec(path)
    assert spec.data.dataset.entry_point == f"dataset.{path.parent.name}"
    assert spec.name == path.stem.replace("_", "-").join((f"{path.parent.name}-", ""))


@pytest.mark.parametrize("path", SMALL, ids=name_of)
def test_a_preset_is_the_same_method_on_both_data_sets(path: Path) -> None:
    """So that one of them run small is both of them run small."""
    (same,) = [other for other in RUN if other.stem == path.stem]
    ours, theirs = (mmx.load_spec(each, overrides=SHORT) for each in (path, same))
    assert ours.model.fusion == theirs.model.fusion
    assert type(ours.model.head) is type(theirs.model.head)
    assert (ours.loss, ours.train.sampler) == (theirs.loss, theirs.train.sampler)


@pytest.mark.parametrize("path", RUN, ids=name_of)
def test_a_preset_runs(path: Path) -> None:
    run = mmx.run(mmx.load_spec(path, overrides=SHORT))
    assert 0 <= run.metrics["test"]["metrics"]["balanced_accuracy"]["value"] <= 1
    assert run.report.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("path", DOWNLOADS, ids=name_of)
def test_a_preset_that_needs_downloads_builds_and_learns_with_random_weights(path: Path) -> None:
    """ResNet-50 and ConvNeXt as named; the bundled text network stands in for BERT."""
    stand_in = "model.text={type: transformers, model: bundled, weights: none, train: full}"
    spec = mmx.load_spec(path, overrides=(*DRAWN, "model.image.weights=none", stand_in))
    manifest = read_manifest(spec.data.dataset.build(), 0.0, spec.task)
    task = build_learner(spec, manifest, make_split(manifest, spec.data.split))
    parts = task.loss.parts
    assert parts == (("image", "text") if spec.loss.entry_point == "loss.mp" else ())
    learning = {name for name, p in task.model.named_parameters() if p.requires_grad}
    for part in ("encoders.image.", "encoders.text.", "heads."):
        assert any(name.startswith(part) for name in learning), part
    assert torch.equal(task.class_counts, task.sampled_counts)


@pytest.mark.parametrize("path", DOWNLOADS, ids=name_of)
def test_the_frozen_twin_says_that_it_is_one(path: Path) -> None:
    twin = path.with_name(f"{path.stem}_bundled.yaml")
    assert f"Frozen twin of {path.name}, not" in twin.read_text(encoding="utf-8")
    ours, theirs = mmx.load_spec(path), mmx.load_spec(twin)
    for key in ("fusion", "head"):
        assert getattr(ours.model, key) == getattr(theirs.model, key)
    assert ours.loss == theirs.loss


def test_the_published_form_of_mibf_net_is_the_one_beside_its_figure() -> None:
    for folder, claim in (("ham10000", 92.48), ("spine", 91.52)):
        spec = mmx.load_spec(EXAMPLES / folder / "mibf_net_published.yaml").resolved()
        fusion, loss = spec["model"]["fusion"], spec["loss"]
        assert (fusion["reference"], fusion["tokens"], fusion["residual"]) == (True, False, False)
        assert (fusion["heads"], loss["mode"]) == (1, "reference")
        study = commands.load_study(EXAMPLES / "studies" / f"overall-{folder}.yaml")
        assert study.reported["mibf_net_published"] == claim
        assert "mibf_net" not in study.reported


def test_unimodal_scores_stand_beside_the_fused_ones() -> None:
    run = mmx.run(mmx.load_spec(EXAMPLES / "ham10000" / "disagreement.yaml", overrides=SHORT))
    alone = run.metrics["alone"]
    assert set(alone) == {"image alone", "text alone"}
    for scores in alone.values():
        assert scores["accuracy"]["low"] <= scores["accuracy"]["value"]
    page = run.report.read_text(encoding="utf-8")
    assert "image alone" in page
    assert "text alone" in page


def test_prior_correction_undoes_the_sampler() -> None:
    """A balanced sampler shows all classes alike; corrected, rare classes lose probability."""
    path = EXAMPLES / "ham10000" / "prior_correction.yaml"
    corrected = mmx.run(mmx.load_spec(path, overrides=SHORT)).predictions
    plain = mmx.run(mmx.load_spec(path, overrides=(*SHORT, "inference=[]"))).predictions
    columns = [name for name in plain.columns if name.startswith("p_")]
    before = torch.tensor(plain[columns].to_numpy(dtype=float)).log()
    after = torch.tensor(corrected[columns].to_numpy(dtype=float)).log()
    moved = (after - before) - (after - before).mean(dim=1, keepdim=True)
    spec = mmx.load_spec(path, overrides=SHORT)
    manifest = read_manifest(spec.data.dataset.build(), 0.0, spec.task)
    labels = manifest.targets[make_split(manifest, spec.data.split).rows("train")]
    counts = torch.bincount(torch.from_numpy(labels), minlength=3).double().log()
    expected = (counts - counts.mean()).expand_as(moved)
    torch.testing.assert_close(moved, expected, rtol=1e-3, atol=1e-3)
