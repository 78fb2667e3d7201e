"""Inference hooks that ask the model several times: encoders run no oftener than they must."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

import mmx
from mmx.data import TextStore, part_of
from mmx.inference.prediction import Chain
from mmx.pipeline.learner import build_learner
from mmx.pipeline.prepare import prepare
from mmx.runs import SilentObserver

PREDICT = ["train.epochs=1"]


def counted(spec: mmx.Spec) -> dict[str, int]:
    """Rows that each encoder sees when 20 cases are predicted from pixels and tokens."""
    prepared = prepare(spec, SilentObserver())
    learner = build_learner(spec, prepared.manifest, prepared.split)
    seen = {"image": 0, "text": 0}
    for side, encoder in learner.model.named_encoders().items():
        encoder.register_forward_hook(
            lambda _module, inputs, _result, side=side: seen.__setitem__(
                side, seen[side] + len(inputs[0].mask)
            )
        )
    texts = TextStore(prepared.texts, learner.model.encoder("text"))  # type: ignore[arg-type]
    sources = {"image": prepared.images, "text": texts}
    part = part_of(prepared.manifest, prepared.split, "test", sources)
    chain = Chain(spec.inference, learner.model, learner.loss, learner.task, "fp32")
    stages = chain.over(part, 8, lambda done: None)
    assert len(stages) == len(spec.inference) + 1
    return {side: count // len(part) for side, count in seen.items()}


@pytest.mark.parametrize(
    ("hooks", "image", "text"),
    [
        ("[]", 1, 1),
        ("[{type: tta, views: flips}]", 3, 1),
        ("[{type: tta, views: d4}]", 8, 1),
        ("[mc_dropout]", 1, 1),
        ("[{type: tta, views: [hflip]}, {type: mc_dropout, samples: 2}]", 5, 1),
    ],
)
def test_encoders_run_as_often_as_views_need(
    load: Callable[..., mmx.Spec], hooks: str, image: int, text: int
) -> None:
    spec = load(f"inference={hooks}")
    assert counted(spec) == {"image": image, "text": text}


def test_a_run_with_views_and_dropout_predicts_the_same_again(
    load: Callable[..., Any], tiny_plugin: Path
) -> None:
    spec = load(
        "inference=[{type: tta, views: d4, combine: learned}, {type: mc_dropout, samples: 3}, "
        "temperature]",
        *PREDICT,
    )
    run = mmx.run(spec)
    table = pd.read_parquet(run.path / "predictions.parquet")
    assert (table["mutual_information"] >= 0).all()
    page = run.report.read_text()
    assert "after tta and mc_dropout and temperature" in page
    assert "weighs its views" in page
    again = mmx.evaluate_run(
        run.path, run.path / "resolved.yaml", plugins=[tiny_plugin]
    ).predictions.set_index("sample")
    first = table[table["part"] == "test"].set_index("sample")
    columns = [name for name in first.columns if str(name).startswith("p_")]
    pd.testing.assert_frame_equal(again[columns].loc[first.index], first[columns], atol=1e-5)


def test_forbidden_views_stop_before_anything_is_trained(
    load: Callable[..., Any], write_cases: Callable[..., Any], home: Any
) -> None:
    table = write_cases(24)
    columns = "images: [photo], text: notes, label: finding, group: person"
    dataset = f"data.dataset={{type: table, path: {table}, {columns}}}"
    with pytest.raises(mmx.DataError, match="would change the diagnosis"):
        mmx.run(
            load(
                "inference=[{type: tta, views: d4}]",
                dataset,
                "data.narrative={type: column, column: notes}",
            )
        )
    assert not list((home / "runs").glob("*"))


def test_views_of_images_that_nobody_reads_are_a_fault_of_the_spec(
    load: Callable[..., Any],
) -> None:
    with pytest.raises(mmx.SpecError, match=r"fusion\.text_only never reads"):
        load("inference=[tta]", "model.fusion=text_only")


def test_dropout_of_a_trained_head_spreads_predictions(load: Callable[..., Any]) -> None:
    with_dropout = mmx.run(load("inference=[mc_dropout]", *PREDICT)).predictions
    without = mmx.run(load("inference=[mc_dropout]", "model.head.dropout=0", *PREDICT)).predictions
    assert float(with_dropout["mutual_information"].mean()) > 1e-4
    assert float(torch.tensor(without["mutual_information"].to_numpy()).abs().max()) < 1e-5
