"""Missing modalities: the report, and exact shares of the answer."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import torch

import mmx
from mmx.data import TextStore, part_of
from mmx.inference.missing import predict_missing
from mmx.inference.placeholders import Placeholders, untrained_modalities
from mmx.inference.prediction import Chain
from mmx.pipeline.learner import build_learner
from mmx.pipeline.prepare import prepare
from mmx.runs import SilentObserver
from mmx.spec import idle_keys


def predicted(spec: mmx.Spec) -> Any:
    prepared = prepare(spec, SilentObserver())
    learner = build_learner(spec, prepared.manifest, prepared.split)
    texts = TextStore(prepared.texts, learner.model.encoder("text"))  # type: ignore[arg-type]
    sources = {"image": prepared.images, "text": texts}
    part = part_of(prepared.manifest, prepared.split, "test", sources)
    chain = Chain((), learner.model, learner.loss, learner.task, "fp32")
    placeholders = Placeholders(
        learner.task.guess(learner.prior), untrained_modalities(spec, prepared)
    )
    found = predict_missing(chain, part, 7, placeholders)
    return found, chain.over(part, 7, lambda done: None)[-1]


def test_the_shares_are_shapley_values(load: Callable[..., mmx.Spec]) -> None:
    missing, plain = predicted(load())
    both, image, text, neither = (
        missing.arms[name].exp()
        for name in ("image and text", "image only", "text only", "neither")
    )
    torch.testing.assert_close(both.log(), plain.log_probs)
    answer = both.argmax(dim=1, keepdim=True)
    v = {name: p.gather(1, answer)[:, 0] for name, p in
         {"it": both, "i": image, "t": text, "": neither}.items()}  # fmt: skip
    orders = [(v["i"] - v[""], v["it"] - v["i"]), (v["it"] - v["t"], v["t"] - v[""])]
    torch.testing.assert_close(missing.shares.values["image"], (orders[0][0] + orders[1][0]) / 2)
    torch.testing.assert_close(missing.shares.values["text"], (orders[0][1] + orders[1][1]) / 2)
    total = missing.shares.values["image"] + missing.shares.values["text"]
    torch.testing.assert_close(total, v["it"] - v[""])


def test_dropping_is_nested_and_ends_in_one_side(load: Callable[..., mmx.Spec]) -> None:
    missing, _ = predicted(load())
    whole, alone = missing.arms["image and text"], missing.arms["image only"]
    lost = torch.zeros(len(whole), dtype=torch.bool)
    for rate in (25, 50, 75):
        arm = missing.arms[f"text missing in {rate}%"]
        now = (arm - alone).abs().amax(dim=1) < 1e-6
        assert bool((now | ((arm - whole).abs().amax(dim=1) < 1e-6)).all())
        assert bool((now | ~lost).all())
        lost = now
    assert 0.5 < float(lost.double().mean()) < 1


def test_without_a_side_nothing_of_it_matters(load: Callable[..., mmx.Spec]) -> None:
    missing, _ = predicted(load())
    neither = missing.arms["neither"]
    torch.testing.assert_close(neither, neither[:1].expand_as(neither))


@pytest.mark.parametrize("loss", ["cross_entropy", "logit_adjusted"])
def test_without_both_sides_the_answer_is_the_prior_that_was_trained_for(
    load: Callable[..., mmx.Spec], loss: str
) -> None:
    spec = load(f"loss={loss}", "data.dataset.imbalance=6")
    neither = predicted(spec)[0].arms["neither"].exp()[0]
    prepared = prepare(spec, SilentObserver())
    labels = torch.from_numpy(prepared.manifest.targets[prepared.split.rows("train")])
    counts = torch.bincount(labels, minlength=3)
    wanted = counts / counts.sum() if loss == "cross_entropy" else torch.full((3,), 1 / 3)
    torch.testing.assert_close(neither, wanted)


def test_a_placeholder_is_trained_by_dropout_or_by_rows_without_the_modality(
    load: Callable[..., mmx.Spec],
) -> None:
    def untrained(*changes: str) -> tuple[str, ...]:
        spec = load(*changes)
        return untrained_modalities(spec, prepare(spec, SilentObserver()))

    assert untrained() == ("image", "text")
    assert untrained("train.modality_dropout=0.3") == ()
    assert untrained("train.modality_dropout={image: 0.3}") == ("text",)
    assert untrained("train.modality_dropout={image: 0.3, text: 0.0}") == ("text",)
    one_sided = load("model.fusion=text_only", "train.modality_dropout=0.3")
    assert "text_only reads text alone" in idle_keys(one_sided)[0]
    assert untrained("model.fusion=text_only") == ()
    spec = load()
    prepared = prepare(spec, SilentObserver())
    texts = list(prepared.texts)
    texts[int(prepared.split.rows("test")[0])] = ""
    assert untrained_modalities(spec, replace(prepared, written={"text": texts})) == (
        "image",
        "text",
    )
    texts[int(prepared.split.rows("train")[0])] = " "
    assert untrained_modalities(spec, replace(prepared, written={"text": texts})) == ("image",)


def test_a_model_of_one_side_has_no_such_report(load: Callable[..., mmx.Spec]) -> None:
    assert predicted(load("model.fusion=image_only"))[0] is None


@pytest.fixture
def run(load: Callable[..., mmx.Spec]) -> mmx.Run:
    return mmx.run(load("train.epochs=1", "inference=[temperature, selective, conformal]"))


def test_a_run_reports_it(run: mmx.Run) -> None:
    metrics = json.loads((run.path / "metrics.json").read_text())
    assert metrics["missing"]["text only"]["balanced_accuracy"]["value"] <= 1
    page = run.report.read_text()
    assert "When a modality is missing" in page
    assert "Balanced accuracy when one modality is missing" in page
    assert set(metrics["missing"]) >= {"neither", "text missing in 50%"}
    assert metrics["untrained_placeholders"] == ["image", "text"]
    assert "image only (text placeholder untrained)" in page
    assert "no measure of what one modality tells" in page
    for title in ("Set sizes", "Risk and coverage"):
        assert title in page
    table = pd.read_parquet(run.path / "predictions.parquet")
    shares = table.loc[table["part"] == "test", ["share_image", "share_text"]]
    assert shares.notna().all(axis=None)


def test_with_dropout_nothing_is_called_untrained(load: Callable[..., mmx.Spec]) -> None:
    run = mmx.run(load("train.epochs=1", "train.modality_dropout=0.3"))
    assert run.metrics["untrained_placeholders"] == []
    assert "untrained" not in run.report.read_text().lower().replace("untrained_", "")


def test_mistakes_are_explained_unless_that_is_switched_off(
    run: mmx.Run, load: Callable[..., mmx.Spec]
) -> None:
    page = run.report.read_text()
    assert "Where the evidence lies" in page
    assert "points</p>" in page
    plain = mmx.run(load("train.epochs=1", "evaluation.explain=false")).report.read_text()
    assert "Where the evidence lies" not in plain


def test_the_calibration_part_fits_the_hooks(load: Callable[..., mmx.Spec]) -> None:
    shares = ["data.split.train=0.5", "data.split.calibration=0.2"]
    spec = load("train.epochs=1", "inference=[temperature]", *shares)
    run = mmx.run(spec)
    groups = set(json.loads((run.path / "hooks.json").read_text()))
    split = pd.read_csv(run.path / "split.csv", dtype=str)
    assert groups == set(split.loc[split["part"] == "calibration", "group_id"])
