"""A finished run predicts and is evaluated as it was when it was made."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import mmx

Load = Callable[..., mmx.Spec]


def test_evaluating_a_run_on_its_own_data_gives_its_test_figures(
    load: Load, tiny_spec: Path, tiny_plugin: Path
) -> None:
    run = mmx.run(load())
    again = mmx.evaluate_run(run.path, tiny_spec, plugins=[tiny_plugin])
    expected = run.metrics["test"]["metrics"]
    for name, interval in again.evaluation.metrics.items():
        assert interval.value == pytest.approx(expected[name]["value"], abs=5e-3), name
    assert "its test part is scored" in again.warnings[0]
    assert (again.folder / "metrics.json").is_file()


def test_predictions_of_a_table_are_those_of_the_run(
    load: Load, home: Path, tiny_plugin: Path
) -> None:
    spec = load()
    run = mmx.run(spec)
    samples = {sample.id: sample for sample in spec.data.dataset.build().samples()}
    table = run.predictions.query("part == 'test'").head(5)
    rows = []
    for name in table["sample"]:
        picture = samples[name].images["image"][0]
        assert picture is not None
        assert not isinstance(picture, Path)
        Image.fromarray(picture.pixels()).save(home / f"{name}.png")  # pyright: ignore[reportAttributeAccessIssue]
        rows.append({"id": name, "image": f"{name}.png", "text": samples[name].record["text"]})
    pd.DataFrame(rows).to_csv(home / "cases.csv", index=False)
    answers = mmx.ask(run.path, home / "cases.csv", plugins=[tiny_plugin])
    columns = [name for name in table if str(name).startswith("p_")]
    np.testing.assert_allclose(answers.table[columns], table[columns], atol=1e-4)
    assert answers.table["id"].tolist() == table["sample"].tolist()
    answers.write(home / "out.csv")
    assert pd.read_csv(home / "out.csv")["predicted"].tolist() == table["predicted"].tolist()


def test_one_side_is_enough_when_that_is_stated_and_none_is_refused(
    load: Load, tiny_plugin: Path
) -> None:
    run = mmx.run(load())
    case = mmx.Case("x", text="It itches badly at night.")
    with pytest.raises(mmx.DataError, match="has no column 'image', which this run reads"):
        mmx.predict(run.path, case, plugins=[tiny_plugin])
    (answer,) = (
        mmx.predict(run.path, case, without=["image"], plugins=[tiny_plugin])
        .filter(like="p_")
        .sum(axis=1)
    )
    assert answer == pytest.approx(1, abs=1e-5)
    with pytest.raises(mmx.DataError, match="x: has neither an image nor a text"):
        mmx.predict(run.path, mmx.Case("x", [None], ""), plugins=[tiny_plugin])
    with pytest.raises(mmx.DataError, match="nothing that this run reads is left"):
        mmx.predict(run.path, mmx.Case("x"), without=["image", "text"], plugins=[tiny_plugin])


def test_hooks_are_fitted_again_from_what_the_run_kept(
    load: Load, tiny_spec: Path, tiny_plugin: Path
) -> None:
    spec = load("train.sampler={type: weighted, q: 1}", "inference=[{type: prior_correction}]")
    run = mmx.run(spec)
    again = (
        mmx.evaluate_run(run.path, tiny_spec, plugins=[tiny_plugin]).evaluation.metrics["nll"].value
    )
    assert again == pytest.approx(run.metrics["test"]["metrics"]["nll"]["value"], abs=5e-3)


def test_other_classes_are_refused_by_name(load: Load, home: Path, tiny_plugin: Path) -> None:
    run = mmx.run(load())
    other = load("data.dataset.classes=4")
    (home / "other.yaml").write_text(other.to_yaml())
    with pytest.raises(
        mmx.DataError, match=r"the data has cordella \(30\) too.*--class NEW=OLD.*--drop-unknown"
    ):
        mmx.evaluate_run(run.path, home / "other.yaml", plugins=[tiny_plugin])


def test_a_run_that_is_not_finished_or_damaged_is_told_plainly(
    load: Load, home: Path, tiny_plugin: Path
) -> None:
    with pytest.raises(mmx.RunError, match="does not exist"):
        mmx.predict(home / "nothing", mmx.Case("x", text="a"), plugins=[tiny_plugin])
    run = mmx.run(load())
    weights = run.path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(mmx.RunError, match="model.safetensors is not as it was"):
        mmx.predict(run.path, mmx.Case("x", text="a"), plugins=[tiny_plugin])
