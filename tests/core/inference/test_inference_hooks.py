"""Inference hooks in a whole run: their columns, what they kept, and the same answers later."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mmx

HOOKS = "inference=[temperature, selective, {type: conformal, alpha: 0.2}]"


@pytest.fixture
def run(load: Callable[..., Any]) -> Any:
    return mmx.run(load(HOOKS, "train.epochs=1"))


def test_a_run_keeps_the_columns_and_what_was_kept_of_the_promises(run: Any) -> None:
    table = pd.read_parquet(run.path / "predictions.parquet")
    columns = [str(column) for column in table.columns]
    sets = table[[column for column in columns if column.startswith("in_set_")]]
    classes = [column.removeprefix("p_") for column in columns if column.startswith("p_")]
    assert [str(column).removeprefix("in_set_") for column in sets.columns] == classes
    assert (sets.sum(axis=1) == table["set_size"]).all()
    test = table[table["part"] == "test"]
    hit = [row[f"in_set_{row['label']}"] for _, row in test.iterrows()]
    kept = json.loads((run.path / "metrics.json").read_text())["inference"]
    by_group = pd.Series(hit).groupby(test["group"].to_numpy()).mean().mean()
    assert kept["conformal"]["coverage per row"]["value"] == pytest.approx(sum(hit) / len(hit))
    assert kept["conformal"]["coverage per group"]["value"] == pytest.approx(by_group)
    assert kept["conformal"]["coverage per group"]["low"] < by_group
    assert kept["selective"]["coverage"]["value"] == pytest.approx(test["accepted"].mean())
    assert "temperature" not in kept


def test_the_report_says_what_was_fitted_and_kept(run: Any) -> None:
    page = run.report.read_text()
    assert "Temperature scaling: T = " in page
    assert "Conformal on the test part: promised coverage 0.8" in page


def test_a_finished_run_fits_its_hooks_again_to_the_same_sets(run: Any, tiny_plugin: Path) -> None:
    again = mmx.evaluate_run(
        run.path, run.path / "resolved.yaml", plugins=[tiny_plugin]
    ).predictions
    first = pd.read_parquet(run.path / "predictions.parquet")
    first = first[first["part"] == "test"].set_index("sample")
    columns = ["set_size", "accepted", "confidence"]
    both = again.set_index("sample")[columns].loc[first.index]
    pd.testing.assert_frame_equal(both, first[columns])
