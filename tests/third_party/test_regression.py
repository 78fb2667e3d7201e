"""One number a case, by a package that imports nothing of mmx but its public face.

From a spec to run, report, prediction, evaluation, reproduction, audit and study; killed and
continued too. Core knows neither the task nor its metrics.
"""

import ast
import csv
import json
import re
import signal
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pytest
from warm_processes import WarmProcess

PACKAGE = Path(__file__).parent / "regression" / "src" / "mmx_regression"
FACE = ("mmx", "mmx.interfaces", "mmx.evaluation")
LENGTH, PATIENTS = 200, 60
SPEC = """
name: vascular-age
task: {type: regression, unit: years}
data:
  dataset:
    type: table
    path: ages/cases.csv
    id: file
    group: patient
    inputs: {ecg: file}
    record: [age, sex]
    labels: [vascular_age]
  max_bad: 0.1
model:
  encoders:
    ecg: {type: ecg, length: 200, dim: 8, train: full}
    record: {type: tabular, dim: 8, heads: 2}
  fusion: concat
train: {epochs: 5, batch_size: 16, threads: 1}
"""
STUDY = """
study: ages
base: ages.yaml
vary: model.fusion
arms: [concat, {type: only, modality: record}]
seeds: [0, 1]
"""


class Fresh(Protocol):
    """What the fixture `fresh` gives."""

    folder: Path
    python: Path

    def environment(self) -> dict[str, str]: ...

    def start(self, *words: str | Path, runs: Path | None = None) -> WarmProcess: ...

    def mmx(self, *words: str | Path) -> str: ...


def write_cases(folder: Path) -> None:
    """Two recordings a patient: the age of the record and the pace of a wave make the number."""
    folder.mkdir()
    draw, seconds = np.random.default_rng(0), np.arange(LENGTH) / 100
    with (folder / "cases.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "patient", "age", "sex", "vascular_age"])
        for patient in range(PATIENTS):
            age = int(draw.integers(30, 90))
            for visit in range(2):
                pace = draw.uniform(1, 3)
                beats = np.cos(2 * np.pi * (seconds * pace + draw.random())) ** 8
                leads = beats * draw.uniform(0.5, 1.5, (12, 1)) + draw.normal(0, 0.1, (12, LENGTH))
                name = f"{patient}-{visit}.npy"
                np.save(folder / name, leads.astype(np.float32))
                number = round(0.7 * age + 5 * (pace - 2) + draw.normal(0, 2) + 10, 1)
                table.writerow([name, f"p{patient}", age, "mf"[patient % 2], number])


def test_it_imports_nothing_of_mmx_but_its_face() -> None:
    for file in sorted(PACKAGE.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                assert module in FACE or not module.startswith("mmx."), f"{file.name}: {module}"
            if isinstance(node, ast.Import):
                assert not [one.name for one in node.names if one.name.startswith("mmx.")]


def spec_of(fresh: Fresh) -> Path:
    """The spec, beside its cases."""
    spec = fresh.folder / "ages.yaml"
    if not spec.exists():
        write_cases(fresh.folder / "ages")
        spec.write_text(SPEC)
    return spec


def made(fresh: Fresh) -> Path:
    """The folder of the run."""
    printed = fresh.mmx("run", spec_of(fresh))
    assert "mean absolute error, years" in printed
    return Path(printed.split("report: ")[1].strip()).parent


def numbers_of(run: Path) -> pd.DataFrame:
    return pd.read_parquet(run / "predictions.parquet")


@pytest.mark.slow
def test_a_run_reports_predicts_evaluates_and_is_made_again(fresh: Fresh) -> None:
    run = made(fresh)
    metrics = json.loads((run / "metrics.json").read_text())["test"]["metrics"]
    assert set(metrics) == {"mean_absolute_error", "r2", "spearman"}
    assert all(one["low"] < one["value"] < one["high"] for one in metrics.values())
    page = (run / "report.html").read_text()
    assert "lower is better" in page
    assert "Answered, years" in page
    assert "Absolute error up to, years" in page
    table = fresh.folder / "ages" / "cases.csv"
    answers = fresh.folder / "ages.csv"
    fresh.mmx("predict", run, "--table", table, "--out", answers)
    told = pd.read_csv(answers).set_index("id")["predicted"]
    own = numbers_of(run).set_index("sample")["p_vascular_age"]
    np.testing.assert_allclose(told.loc[own.index], own, atol=1e-3)
    few, why = fresh.folder / "ages" / "few.csv", fresh.folder / "why.html"
    few.write_text("".join(table.read_text().splitlines(keepends=True)[:3]))
    printed = fresh.mmx("predict", run, "--table", few, "--explain", why)
    assert re.search(r"vascular_age +[\d.]+ years", printed)
    assert "without a column of record, in years:" in printed or "a column, in years:" in printed
    assert "points" not in printed
    assert "changes in years" in why.read_text()
    assert " points" not in why.read_text()
    assert "mean absolute error" in fresh.mmx("evaluate", run, "--data", table)
    assert "age" in fresh.mmx("audit", spec_of(fresh))  # the record tells the number
    fresh.mmx("reproduce", run)


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_to_the_same_numbers(fresh: Fresh) -> None:
    spec, whole = spec_of(fresh), made(fresh)
    process = fresh.start("run", spec, runs=fresh.folder / "killed")
    events = fresh.folder / "killed" / whole.name / "events.jsonl"
    while process.poll() is None and not _epochs(events):
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert fresh.start("run", spec, runs=fresh.folder / "killed").wait() == 0
    pd.testing.assert_frame_equal(numbers_of(events.parent), numbers_of(whole))


def _epochs(events: Path) -> bool:
    return events.exists() and '"epoch"' in events.read_text()


def result(report: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((report.parent / "results.json").read_text())
    return found


@pytest.mark.slow
def test_a_study_compares_numbers(fresh: Fresh) -> None:
    spec_of(fresh)
    study = fresh.folder / "ages-study.yaml"
    study.write_text(STUDY)
    printed = fresh.mmx("study", "run", study, "--workers", "1")
    assert "years mean absolute error (lower is better), the base" in printed
    report = Path(printed.split("report: ")[1].splitlines()[0].strip())
    found = result(report)
    assert found["metric"] == "mean_absolute_error"
    (contrast,) = [arm["contrasts"]["mean_absolute_error"] for arm in found["arms"][1:]]
    assert contrast["lower_is_better"]
    assert contrast["difference"]["low"] < contrast["difference"]["high"]
    assert 0 < contrast["p"] <= contrast["corrected"] <= 1
    names = {one["name"] for one in found["controls"]}
    assert {"training mean", "training median", "metadata only", "ecg only"} <= names
    page = report.read_text()
    assert "Mean absolute error, years; lower is better" in page
    assert "points" not in page.split('id="verdicts"')[1].split("</section>")[0]
    assert "Calibration" not in page
    again = fresh.mmx("study", "run", study, "--workers", "1")  # nothing is made twice
    assert again.splitlines()[:2] == printed.splitlines()[:2]
    assert result(report)["arms"] == found["arms"]


def test_it_keeps_the_laws(fresh: Fresh) -> None:
    told = json.loads(fresh.mmx("plugins", "check", "task.regression", "--json"))
    others = {one["name"]: one["status"] for one in told["checks"] if one["status"] != "passed"}
    assert others == {"probabilities": "expected failure"}


@pytest.mark.parametrize("loss", ["squared", "gaussian"])
def test_its_losses_keep_all_laws_on_its_own_task(fresh: Fresh, loss: str) -> None:
    told = json.loads(fresh.mmx("plugins", "check", f"loss.{loss}", "--json"))
    assert {one["status"] for one in told["checks"]} == {"passed"}
