"""What a run promises: complete files, content addressing, no work done twice."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mmx
from mmx import commands

Load = Callable[..., mmx.Spec]
FILES = (
    "spec.yaml", "resolved.yaml", "environment.json", "split.csv", "events.jsonl",
    "model.safetensors", "predictions.parquet", "metrics.json", "report.html",
)  # fmt: skip


class Listener:
    """Keeps what a run tells."""

    def __init__(self) -> None:
        self.stages: set[str] = set()
        self.messages: list[str] = []

    def progress(self, progress: commands.Progress) -> None:
        """Note the stage."""
        self.stages.add(progress.stage)

    def message(self, text: str) -> None:
        """Note the words."""
        self.messages.append(text)


def test_a_run_leaves_all_its_files_and_a_headline_with_interval(load: Load) -> None:
    run = mmx.run(load())
    assert [name for name in FILES if not (run.path / name).is_file()] == []
    value = run.metrics["test"]["metrics"]["balanced_accuracy"]
    assert value["low"] <= value["value"] <= value["high"]
    assert f"{value['value']:.1%}" in run.headline()


def test_a_key_of_older_versions_changes_nothing_and_is_named(load: Load) -> None:
    listener = Listener()
    asked = mmx.run(load("evaluation.resamples=300"), observer=listener)
    assert any("evaluation.resamples: 300 has no effect" in told for told in listener.messages)
    assert asked.path == mmx.run(load()).path  # the same numbers have the same digest
    assert "has no effect" in asked.report.read_text(encoding="utf-8")


def test_predictions_are_probabilities_of_every_validation_and_test_row(load: Load) -> None:
    run = mmx.run(load())
    table, split = run.predictions, pd.read_csv(run.path / "split.csv", dtype=str)
    asked = split[split["part"].isin(["validation", "test"])]
    assert set(table["sample"]) == set(asked["sample_id"])
    classes = [str(name) for name in table if str(name).startswith("p_")]
    probabilities = table[classes].to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    columns = [name.removeprefix("p_") for name in classes]
    assert (np.array(columns)[probabilities.argmax(axis=1)] == table["predicted"]).all()


def test_metrics_are_those_of_the_predictions(load: Load) -> None:
    run = mmx.run(load())
    test = run.predictions.query("part == 'test'")
    hits = test["label"] == test["predicted"]
    expected = hits.groupby(test["label"]).mean().mean()
    assert run.metrics["test"]["metrics"]["balanced_accuracy"]["value"] == pytest.approx(expected)


def test_the_same_spec_again_returns_the_run_without_training(load: Load) -> None:
    first = mmx.run(load())
    before, listener = (first.path / "events.jsonl").read_bytes(), Listener()
    assert mmx.run(load(), observer=listener) == first
    assert (first.path / "events.jsonl").read_bytes() == before
    assert any("finished already" in told for told in listener.messages)


def test_fresh_starts_over_and_gives_the_same_weights(load: Load) -> None:
    first = mmx.run(load())
    before, written = (first.path / "model.safetensors").read_bytes(), first.report.stat().st_mtime
    again = mmx.run(load(), fresh=True)
    assert again.report.stat().st_mtime > written
    assert (again.path / "model.safetensors").read_bytes() == before


def test_a_new_name_is_the_same_digest_and_a_new_value_another(load: Load) -> None:
    first = mmx.run(load())
    assert mmx.run(load("name=other")).digest == first.digest
    assert mmx.run(load("train.epochs=2")).digest != first.digest
    assert mmx.run(load("data.dataset.seed=1")).digest != first.digest


def test_frozen_encoders_run_once_for_all_runs_on_the_same_data(load: Load) -> None:
    first = mmx.run(load()).metrics["encoded"]
    again = mmx.run(load("model.head.hidden=8", "seed=3", "model.fusion=add")).metrics["encoded"]
    assert first["image"] == 120
    assert again["text"] == 0
    # another seed gives the random weights of these encoders, so their features are others
    same = mmx.run(load("model.head.hidden=8")).metrics["encoded"]
    assert same == {"image": 0, "text": 0}


def test_features_in_bf16_are_apart_and_nearly_the_same(load: Load) -> None:
    exact = mmx.run(load())
    short = mmx.run(load("model.encoding=bf16"))
    assert short.metrics["encoded"] == exact.metrics["encoded"]
    again = mmx.run(load("model.encoding=bf16", "model.head.hidden=8"))
    assert again.metrics["encoded"] == {"image": 0, "text": 0}
    gap = short.metrics["test"]["metrics"]["nll"]["value"]
    gap -= exact.metrics["test"]["metrics"]["nll"]["value"]
    assert 0 < abs(gap) < 0.05


def test_a_side_that_the_fusion_ignores_is_never_encoded(load: Load) -> None:
    assert set(mmx.run(load("model.fusion=text_only")).metrics["encoded"]) == {"text"}
    assert set(mmx.run(load("model.fusion=image_only")).metrics["encoded"]) == {"image"}


def test_changed_pixels_are_another_run(load: Load, tiny_spec: Path) -> None:
    digests = [mmx.run(load(f"data.image.height={height}")).digest for height in (32, 24)]
    assert digests[0] != digests[1]


def test_images_alone_and_texts_alone_are_reported_where_the_loss_asks(load: Load) -> None:
    alone = mmx.run(load("loss=symmetric_kl")).metrics["alone"]
    assert set(alone) == {"image alone", "text alone"}
    assert "balanced_accuracy" in alone["image alone"]


def test_every_look_at_a_test_part_is_counted_outside_the_run(load: Load) -> None:
    reads_images = [
        mmx.run(load(f"model.head.hidden={width}")).metrics["test_set_accesses"] for width in (4, 8)
    ]
    assert reads_images == [1, 2]


def test_a_part_that_nothing_provides_is_named(load: Load) -> None:
    with pytest.raises(mmx.ShapeError, match="'lesion'.*image, text"):
        mmx.run(load("train.auxiliary={lesion: 0.3}"))


@pytest.mark.parametrize("fusion", ["hierarchical", "late", "ibfa", "mamba"])
def test_fusions_of_levels_decisions_and_tokens_run_from_a_spec(load: Load, fusion: str) -> None:
    run = mmx.run(load(f"model.fusion={fusion}", "train.epochs=1"))
    assert run.metrics["parameters"]["learning"] > 0


def test_hooks_are_fitted_on_validation_and_shown_before_and_after(load: Load) -> None:
    spec = load("train.sampler={type: weighted, q: 1}", "inference=[{type: prior_correction}]")
    page = mmx.run(spec).report.read_text()
    assert "after prior_correction" in page
