"""A study of labels or of levels speaks of its task: metric, controls, columns of the page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmx.study import Study

Write = Callable[..., Path]
Run = Callable[..., Study]
LABELS = {
    "task": "multi_label",
    "data.dataset": {
        "type": "synthetic", "n": 120, "classes": 3, "image_size": 32, "target": "labels",
        "unknown": 0.1,
    },
    "data.max_bad": 0.1,
    "train.epochs": 1,
}  # fmt: skip
LEVELS = {
    "task": {"type": "ordinal", "levels": ["minimal", "mild", "moderate"]},
    "data.dataset": {
        "type": "synthetic", "n": 120, "classes": 3, "image_size": 32, "target": "levels",
    },
    "train.epochs": 1,
}  # fmt: skip


def test_labels(write_study: Write, run_here: Run, here: Any) -> None:
    file = write_study(set=LABELS, arms=["concat"], controls=True)
    done = run_here(file)
    found, jobs = done.results, len(here.jobs)
    assert found["metric"] == "macro_auroc"
    controls = {one["name"]: one["scores"]["macro_auroc"]["value"] for one in found["controls"]}
    assert controls["prevalence"] == 0.5
    assert {"metadata only", "image only", "text only", "image shuffled"} <= set(controls)
    assert found["absent"] == {}
    page = done.report.read_text(encoding="utf-8")
    assert "Macro average precision" in page
    assert "Macro F1" not in page
    assert "AUROC by label" in page
    assert "points" not in page.split('id="verdicts"')[1].split("</section>")[0]
    head, base = (
        line.split(",") for line in (done.path / "results.csv").read_text().split("\n")[:2]
    )
    row = dict(zip(head, base, strict=True))
    assert 0 <= float(row["macro_average_precision"]) <= 1
    assert len(head) == len(set(head))
    assert done.summary().startswith("concat: 0.")
    again = run_here(file).results  # nothing is trained or asked again
    assert len(here.jobs) == jobs
    assert [one["scores"] for one in again["arms"]] == [one["scores"] for one in found["arms"]]


def test_levels(write_study: Write, run_here: Run) -> None:
    done = run_here(write_study(set=LEVELS, arms=["concat"], controls=True))
    found = done.results
    assert found["metric"] == "quadratic_kappa"
    controls = {one["name"]: one["scores"]["quadratic_kappa"]["value"] for one in found["controls"]}
    assert controls["majority class"] == pytest.approx(0)
    assert "metadata only" in controls
    page = (done.path / "report.md").read_text(encoding="utf-8")
    assert "| quadratic kappa |" in page
    assert "balanced accuracy, %" in page
