"""Electrocardiograms, by a package that imports nothing but ``mmx``: a kind of input of its own.

It runs from a spec to report, prediction, explanation and study beside the record, and is cached.
"""

import ast
import csv
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Protocol

import numpy as np
import pytest

PACKAGE = Path(__file__).parent / "ecg" / "src" / "mmx_ecg"
LENGTH, PATIENTS = 200, 40
RHYTHMS = {"sinus": 1.2, "fast": 2.6}  # beats a second
SPEC = """
name: ecg
data:
  dataset: {{type: ecg, folder: {folder}}}
model:
  encoders:
    ecg: {{type: ecg, length: 200, dim: 16, train: {train}}}
    record: {{type: tabular, dim: 16, heads: 2}}
  fusion: concat
train: {{epochs: 12, batch_size: 16}}
"""
STUDY = """
study: ecg-alone
base: ecg.yaml
vary: model.fusion
arms: [concat, {type: only, modality: ecg}]
seeds: [0]
"""
SHARES = re.compile(r"prior <b>(\S+)</b> · ecg <b>(\S+)</b> · record <b>(\S+)</b> points")
TIMES = re.compile(r"time: ([\d., ]+)<")


class Fresh(Protocol):
    """What the fixture `fresh` gives."""

    folder: Path
    python: Path

    def mmx(self, *words: str | Path, forked_workers: bool = False) -> str: ...


def write_cases(folder: Path) -> None:
    """Two recordings a patient; the rhythm is the pace of a wave, age and sex tell nothing."""
    folder.mkdir(exist_ok=True)
    draw, seconds = np.random.default_rng(0), np.arange(LENGTH) / 100
    with (folder / "cases.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "rhythm", "patient", "age", "sex"])
        for patient in range(PATIENTS):
            rhythm = sorted(RHYTHMS)[patient % 2]
            for visit in range(2):
                phase = seconds * RHYTHMS[rhythm] + draw.random()
                beats = np.cos(2 * np.pi * phase) ** 8
                leads = beats * draw.uniform(0.5, 1.5, (12, 1)) + draw.normal(0, 0.1, (12, LENGTH))
                name = f"{patient}-{visit}.npy"
                np.save(folder / name, leads.astype(np.float32))
                age = "" if patient % 9 == 0 else draw.integers(30, 90)
                table.writerow([name, rhythm, f"p{patient}", age, "mf"[draw.integers(2)]])


def test_it_imports_nothing_of_mmx_but_its_face() -> None:
    for file in sorted(PACKAGE.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                public = node.module in ("mmx", "mmx.interfaces")
                assert public or not (node.module or "").startswith("mmx.")
            if isinstance(node, ast.Import):
                assert not [one.name for one in node.names if one.name.startswith("mmx.")]


def made(fresh: Fresh, train: str) -> tuple[Path, str]:
    """The folder of a run, and what the run said."""
    folder = fresh.folder / "cases"
    if not folder.is_dir():
        write_cases(folder)
    spec = fresh.folder / "ecg.yaml"
    spec.write_text(SPEC.format(folder=folder, train=train))
    printed = fresh.mmx("run", spec)
    return Path(printed.split("report: ")[1].strip()).parent, printed


@pytest.mark.slow
def test_a_spec_runs_and_the_report_tells_of_it(fresh: Fresh) -> None:
    run, _ = made(fresh, "full")
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test"]["metrics"]["balanced_accuracy"]["value"] > 0.8
    assert [*metrics["shares"]] == ["ecg", "record"]
    report = (run / "report.html").read_text()
    assert "Columns of the record" in report
    assert "mmx-ecg" in (run / "environment.json").read_text()


@pytest.mark.slow
def test_a_case_is_answered_and_explained(fresh: Fresh) -> None:
    run, _ = made(fresh, "full")
    table = fresh.folder / "cases" / "cases.csv"
    answers = fresh.folder / "answers.csv"
    page = fresh.folder / "why.html"
    fresh.mmx("predict", run, "--table", table, "--explain", page, "--out", answers)
    rows = list(csv.DictReader(answers.read_text().splitlines()))
    check_explanations(page.read_text(), rows)
    assert len(rows) == 2 * PATIENTS
    truth = [row["rhythm"] for row in csv.DictReader(table.read_text().splitlines())]
    right = [row["predicted"] == rhythm for row, rhythm in zip(rows, truth, strict=True)]
    assert sum(right) > 0.8 * len(right)


def check_explanations(page: str, rows: Sequence[Mapping[str, str]]) -> None:
    """Each answer tells the share of the recording, and which stretches of time counted."""
    assert "columns" in page
    shares = [tuple(map(int, found)) for found in SHARES.findall(page)]
    assert len(shares) == len(rows)
    for share, row in zip(shares, rows, strict=True):
        best = max(float(row[f"p_{rhythm}"]) for rhythm in RHYTHMS)
        assert sum(share) == pytest.approx(100 * best, abs=2)  # each is rounded to a point
    _, ecg, record = map(mean, zip(*shares, strict=True))
    assert ecg > max(15, record)  # the pace tells the rhythm; age and sex tell nothing
    times = [[*map(float, found.split(", "))] for found in TIMES.findall(page)]
    assert len(times) == len(rows)
    assert all(sum(one) == pytest.approx(1, abs=0.06) for one in times)


@pytest.mark.slow
def test_frozen_features_are_cached(fresh: Fresh) -> None:
    run, _ = made(fresh, "frozen")
    first = json.loads((run / "metrics.json").read_text())["encoded"]
    assert first == {"ecg": 2 * PATIENTS}
    spec = fresh.folder / "ecg.yaml"
    fresh.mmx("run", spec, "--fresh")
    assert json.loads((run / "metrics.json").read_text())["encoded"] == {"ecg": 0}


@pytest.mark.slow
def test_a_study_compares_it_with_one_modality_alone(fresh: Fresh) -> None:
    made(fresh, "full")
    study = fresh.folder / "study.yaml"
    study.write_text(STUDY)
    # of the study of numbers it starts cold
    printed = fresh.mmx("study", "run", study, "--workers", "1", forked_workers=True)
    report = Path(printed.split("report: ")[1].splitlines()[0].strip())
    told = report.read_text()
    assert "ecg only" in told
    assert "record only" in told


def test_it_keeps_the_laws(fresh: Fresh) -> None:
    told = json.loads(fresh.mmx("plugins", "check", "encoder.ecg", "--json"))
    assert {check["status"] for check in told["checks"]} == {"passed"}, told["checks"]
