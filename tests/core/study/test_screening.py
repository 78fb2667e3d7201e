"""Screening stops arms that fall behind on validation, and says what each was given."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmx.study import Study
from mmx.study.screening import budgets
from mmx.study.study_folder import Entry, StudyFolder

pytest.importorskip("optuna", reason="the extra screen is not installed")
Run = Callable[..., Study]

LR = "train.optimizer.lr"


def grid(write: Callable[..., Path], **more: Any) -> Path:
    """Four learning rates beside the base, of which two learn nothing."""
    return write(vary=LR, arms=[0.01, 1e-9, 2e-9, 0.02], set={"train.epochs": 9}, **more)


def assert_scored_on_validation(done: Study) -> None:
    """What an arm was screened by is the last validation score of its run."""
    entry = next(one for one in StudyFolder(done.path).entries() if not one.error and one.seed == 0)
    lines = (Path(entry.run) / "events.jsonl").read_text(encoding="utf-8").splitlines()
    epochs = [event for event in map(json.loads, lines) if event["event"] == "epoch"]
    last = next(one for one in budgets(done.path) if one.arm == entry.arm)
    assert last.value == pytest.approx(epochs[-1]["validation balanced_accuracy"])


def test_arms_that_learn_nothing_stop_early_and_get_no_further_seed(
    write_study: Callable[..., Path], run_here: Run, here: Any
) -> None:
    file = grid(write_study, seeds=[0, 1])
    done = run_here(file, early_stop="asha")
    given = {one.arm: one for one in budgets(done.path)}
    assert len(given) == 5  # the base too
    stopped = {name for name, one in given.items() if one.stopped}
    base = done.results["arms"][0]["name"]
    assert stopped
    assert base not in stopped
    assert all(given[name].epochs < given[name].of == 9 for name in stopped)
    assert all("screened out by asha after" in done.failed[name] for name in stopped)
    assert {*done.stopped} == stopped
    seeds = {(job.arm, job.key) for job in here.jobs if "seed 1" in job.key}
    assert not {arm for arm, _ in seeds} & stopped
    assert "Screened by asha on validation" in done.report.read_text(encoding="utf-8")
    assert_scored_on_validation(done)
    # coming back repeats nothing; without screening they run to the end
    before = len(here.jobs)
    run_here(file, early_stop="asha")
    assert len(here.jobs) == before
    whole = run_here(file)
    assert not whole.failed


def test_what_another_spec_was_screened_out_for_stops_no_arm(
    write_study: Callable[..., Path], run_here: Run
) -> None:
    file = write_study()
    first = run_here(file)
    old = Entry("gated", 0, 0, "of another spec", error="screened out by asha after 1 of 9 epochs")
    StudyFolder(first.path).note(old)
    again = run_here(write_study(seeds=[0, 1]), early_stop="asha", replan=True)
    assert not again.failed
