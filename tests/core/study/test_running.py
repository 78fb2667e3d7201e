"""A study runs what is missing, survives what fails, and keeps to its plan."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from warm_processes import WarmPython

import mmx
from mmx import commands
from mmx.study import Study
from mmx.study.gather import test_rows as labelled_rows
from mmx.study.shuffle import shuffled
from mmx.study.study_folder import StudyFolder, find_study

Write = Callable[..., Path]
Run = Callable[..., Study]


def is_of_an_ordinary_run(arm: Any, controls: Any) -> None:
    """The score of an arm, and that of the probe beside it, are those of its own run."""
    told = mmx.Run(Path(arm["runs"][0])).metrics
    assert arm["by_seed"]["balanced_accuracy"][0] == pytest.approx(
        told["test"]["metrics"]["balanced_accuracy"]["value"]
    )
    (probe,) = [one for one in controls if one["name"] == "probe"]
    assert probe["scores"]["balanced_accuracy"]["value"] == pytest.approx(
        told["probe"]["balanced_accuracy"]["value"]
    )


def test_a_study_from_file_to_report(
    write_study: Write, run_here: Run, here: Any, listener: Any
) -> None:
    done = run_here(write_study(controls=True, seeds=[0, 1], arms=["concat", "gated", "nosuch"]))
    found = done.results
    assert [arm["name"] for arm in found["arms"]] == ["concat", "gated", "nosuch"]
    assert list(done.failed) == ["nosuch"]
    gated = found["arms"][1]
    contrast = gated["contrasts"]["balanced_accuracy"]
    scores = [arm["scores"]["balanced_accuracy"]["value"] for arm in found["arms"][:2]]
    assert contrast["difference"]["value"] == pytest.approx(scores[1] - scores[0])
    assert not contrast["conditional"]
    assert gated["parameters"] > 0
    assert [one["name"] for one in found["controls"]] == [
        "majority class", "metadata only", "probe", "image only", "text only", "image shuffled",
        "text shuffled",
    ]  # fmt: skip
    assert found["controls"][0]["scores"]["balanced_accuracy"]["value"] == pytest.approx(1 / 3)
    for name in ("report.html", "report.md", "results.csv", "table.tex"):
        assert "gated" in (done.path / name).read_text(encoding="utf-8")
    for name in ("report.html", "report.md"):
        text = (done.path / name).read_text(encoding="utf-8")
        assert "probe: The probe is a linear model on the frozen features of image and text" in text
    assert len(pd.read_csv(done.path / "results.csv")) == 10
    trained = {"concat", "gated", "image only", "text only"}
    assert {step.stage for step in listener.steps} == {"reading", *trained}
    assert [step.done for step in listener.steps if step.stage == "gated"] == [0, 1, 2]
    is_of_an_ordinary_run(gated, found["controls"])
    # and nothing is done twice
    before = len(here.jobs)
    run_here(write_study(controls=True, seeds=[0, 1], arms=["concat", "gated", "nosuch"]))
    assert len(here.jobs) == before


def test_an_arm_that_breaks_fails_alone_with_its_reason(
    write_study: Write, run_here: Run, here: Any
) -> None:
    file = write_study(
        vary=None,
        arms={"lost": {"data.split.file": "nowhere.csv"}, "gated": {"model.fusion": "gated"}},
    )
    done = run_here(file)
    assert "nowhere.csv" in done.failed["lost"]
    assert [arm["name"] for arm in done.results["arms"] if not arm["error"]] == ["base", "gated"]
    assert "lost" in (done.path / "report.md").read_text()
    before = len(here.jobs)
    run_here(file)  # what failed is tried again, and nothing else
    assert [job.arm for job in here.jobs[before:]] == ["lost"]


def test_an_arm_with_other_test_rows_is_not_paired(write_study: Write, run_here: Run) -> None:
    done = run_here(write_study(vary=None, arms={"other": {"data.split.seed": 5}}))
    assert "other rows" in done.failed["other"]


def test_the_plan_is_written_before_the_first_run(write_study: Write, tiny_plugin: Path) -> None:
    seen = []

    class Looks:
        workers = 1

        def run(self, jobs: Any, heard: Any) -> None:
            """Look at the plan and stop."""
            seen.append(json.loads((StudyFolder.of("tiny").path / "plan.json").read_text()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mmx.run_study(write_study(), plugins=[tiny_plugin], executor=Looks())
    (plan,) = seen
    assert plan["comparisons"] == 1
    assert plan["seeds"] == [0]
    assert plan["metric"] == "balanced_accuracy"
    assert len(plan["digest"]) == len(plan["data"]["split"]) == 64


def test_a_later_arm_is_marked_and_a_broken_promise_is_refused(
    write_study: Write, run_here: Run
) -> None:
    run_here(write_study())
    done = run_here(write_study(arms=["concat", "gated", "add"]))
    planned = {arm["name"]: arm["planned"] for arm in done.results["arms"]}
    assert planned == {"concat": True, "gated": True, "add": False}
    assert "unplanned" in (done.path / "report.md").read_text()
    for keys in ({"metric": "accuracy"}, {"seeds": [0, 1]}, {"set": {"train.epochs": 2}}):
        with pytest.raises(mmx.RunError, match="planned otherwise"):
            run_here(write_study(**keys))
    again = run_here(write_study(metric="accuracy"), replan=True)
    assert "new plan" in again.report.read_text()


def test_folds_are_read_together(write_study: Write, run_here: Run) -> None:
    found = run_here(write_study(folds=3)).results
    assert found["samples"] == 120
    assert len(found["arms"][0]["runs"]) == 3


def test_an_arm_with_leaky_texts_is_stamped_wherever_it_stands(
    write_study: Write, run_here: Run
) -> None:
    oracle = {"type": "rangm", "level": "oracle"}
    done = run_here(
        write_study(
            vary="",
            arms={
                "concat": {"model.fusion": "concat"},
                "told": {"data.narrative": oracle,
                         "audit.waive": {"text_tells_label": "to show what it does"}},
            },
            allow_confounded="the text is what the arm is about",
        )
    )  # fmt: skip
    for name in ("report.html", "report.md", "results.csv", "table.tex"):
        page = (done.path / name).read_text(encoding="utf-8")
        assert "LEAKY: told" in page
        assert "LEAKY: concat" not in page
    page = done.report.read_text(encoding="utf-8")
    assert "LEAKY: the texts of told were written knowing the label." in page
    assert "text_tells_label is waived: to show what it does (told)" in page
    assert "LEAKY: told" in done.summary()


def test_arms_in_different_arithmetic_are_told(write_study: Write, run_here: Run) -> None:
    done = run_here(
        write_study(
            vary="",
            arms={"concat": {"model.fusion": "concat"}, "short": {"train.precision": "bf16"}},
        )
    )
    page = done.report.read_text(encoding="utf-8")
    assert "different arithmetic (fp32: concat" in page
    assert "bf16: short" in page


def test_workers_that_are_killed_or_want_too_much_memory_fail_their_jobs_alone(
    write_study: Write, tiny_plugin: Path, tmp_path: Path, warm_workers: None
) -> None:
    dying, greedy = tmp_path / "dying.py", tmp_path / "greedy.py"
    dying.write_text(DYING)
    greedy.write_text(
        DYING.replace("dying", "greedy")
        .replace("os.kill(os.getpid(), signal.SIGKILL)", "torch.empty(2**60)")
        .replace("import mmx\n", "import torch\n\nimport mmx\n", 1)
    )
    file = write_study(arms=["concat", "greedy", "dying", "gated"])
    done = mmx.run_study(file, plugins=[tiny_plugin, dying, greedy], workers=1)
    assert "killed by SIGKILL" in done.failed["dying"]
    assert "memory" in done.failed["greedy"]
    whole = [arm["name"] for arm in done.results["arms"] if not arm["error"]]
    assert whole == ["concat", "gated"]


DYING = '''
"""A fusion that takes its process along."""
import os
import signal
from typing import Literal

import mmx


class Dying(mmx.PairFusionParams):
    """Kills the process that builds it."""

    type: Literal["dying"] = "dying"

    def build_pair(self, image, text):
        os.kill(os.getpid(), signal.SIGKILL)


@mmx.hookimpl
def mmx_components():
    return [Dying]
'''


@pytest.mark.slow
def test_a_killed_study_goes_on_and_repeats_nothing(
    write_study: Write, run_here: Run, here: Any, tiny_plugin: Path, home: Path,
    processes: WarmPython,
) -> None:  # fmt: skip
    file = write_study(arms=["concat", "gated", "add"], seeds=[0, 1])
    words = ["study", "run", file, "--plugin", tiny_plugin, "--workers", "1"]
    process = processes.start(*words)
    folder = home / "runs" / "studies" / "tiny"
    deadline = time.monotonic() + 120
    while not (folder / "runs.jsonl").is_file() or len(_finished(home)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()
    first = _finished(home)
    assert len(first) < 6
    done = run_here(file)
    assert not done.failed
    again = [job for job in here.jobs if job.kind == "run"]
    assert 0 < len(again) < 6
    after = _finished(home)
    assert len(after) == 6
    assert {path: after[path] for path in first} == first


def _finished(home: Path) -> dict[str, int]:
    """When each run was finished."""
    files = (home / "runs").glob("tiny-*/finished.json")
    return {str(file): file.stat().st_mtime_ns for file in files}


def test_a_study_is_found_by_name_folder_and_file(write_study: Write, run_here: Run) -> None:
    file = write_study()
    done = run_here(file)
    for named in ("tiny", done.path, file):
        assert find_study(named).path == done.path
    with pytest.raises(mmx.RunError, match="there are: tiny"):
        find_study("tinny")
    (listed,) = commands.list_studies()
    assert (listed.name, listed.arms, listed.finished, listed.failed) == ("tiny", 2, 2, 0)


def test_shuffling_leaves_nothing_in_its_place() -> None:
    for seed in range(20):
        order = shuffled(range(9), seed)
        assert sorted(order) == list(range(9))
        assert not np.any(np.array(order) == np.arange(9))
    assert shuffled([4], 0) == [4]


def test_rows_without_label_are_left_out() -> None:
    table = pd.DataFrame({
        "sample": ["b", "a", "c"], "part": ["test", "test", "validation"],
        "label": ["x", None, "x"],
    })  # fmt: skip
    assert labelled_rows([table])["sample"].tolist() == ["b"]
