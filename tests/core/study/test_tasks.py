"""A study of labels or of levels speaks of its task: metric, controls, columns of the page."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mmx.study import Study, run_study
from mmx.study.executor import Heard
from mmx.study.job import Job, perform

Write = Callable[..., Path]
SAME = ("arms", "controls", "absent", "metric", "words", "reached", "comparisons", "headline")
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
    boosting = [{"type": "gradient_boosting", "rounds": 5}]
    file = write_study(set=LABELS, arms=["concat"], controls=True, baselines=boosting)
    done = run_here(file)
    found, jobs = done.results, len(here.jobs)
    assert found["metric"] == "macro_auroc"
    controls = {one["name"]: one["scores"]["macro_auroc"]["value"] for one in found["controls"]}
    assert controls["prevalence"] == 0.5
    names = {"metadata only", "gradient boosting", "image only", "text only", "image shuffled"}
    assert names <= set(controls)
    assert found["absent"] == {}
    note, probe = found["control_notes"]
    assert probe.startswith("probe: The probe is a linear model on the frozen features of ")
    assert "chosen on validation; it reads age, sex; not read: " in note
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
    weighted = {"train.class_weights": "inverse_frequency"}
    arms = {"concat": {"model.fusion": "concat"}, "weighted": weighted}
    boosting = [{"type": "gradient_boosting", "rounds": 5}]
    file = write_study(set=LEVELS, arms=arms, vary="", controls=True, baselines=boosting)
    done = run_here(file)
    found = done.results
    assert found["metric"] == "quadratic_kappa"
    controls = {one["name"]: one["scores"]["quadratic_kappa"]["value"] for one in found["controls"]}
    assert controls["majority class"] == pytest.approx(0)
    for name in ("metadata only", "gradient boosting"):  # as base and arm are trained
        assert {name, f"{name}, classes balanced"} <= set(controls)
        assert f"{name}, classes as they are" not in controls
    page = (done.path / "report.md").read_text(encoding="utf-8")
    assert "| quadratic kappa |" in page
    assert "balanced accuracy, %" in page


class Stopped:
    """Does one job, then the user presses Ctrl-C."""

    workers = 1

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def run(self, jobs: Sequence[Job], heard: Heard) -> None:
        """The first of them alone."""
        self.jobs.append(jobs[0])
        heard(perform(jobs[0]))
        raise KeyboardInterrupt


@pytest.mark.parametrize("settings", [LABELS, LEVELS], ids=["labels", "levels"])
def test_a_study_that_was_stopped_repeats_nothing_and_gives_the_same_results(
    write_study: Write, run_here: Run, here: Any, tiny_plugin: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any],
) -> None:  # fmt: skip
    file = write_study(set=settings, arms=["concat", "gated", "no_such_fusion"])
    monkeypatch.setenv("MMX_RUNS", str(tmp_path / "whole"))
    whole = run_here(file)
    asked = [job.key for job in here.jobs]
    assert list(whole.failed) == ["no_such_fusion"]
    monkeypatch.setenv("MMX_RUNS", str(tmp_path / "stopped"))
    stopped = Stopped()
    with pytest.raises(KeyboardInterrupt):
        run_study(file, plugins=[tiny_plugin], executor=stopped)
    here.jobs.clear()
    resumed = run_here(file)
    assert sorted(job.key for job in (*stopped.jobs, *here.jobs)) == sorted(asked)
    assert resumed.failed == whole.failed
    for key in SAME:
        assert _without_times(resumed.results[key]) == _without_times(whole.results[key]), key


def _without_times(value: Any) -> Any:
    """The same without seconds and places of runs."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in ("seconds", "runs")}
        return {key: _without_times(one) for key, one in kept.items()}
    return [_without_times(one) for one in value] if isinstance(value, list) else value
