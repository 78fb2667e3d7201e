"""From the folders of finished runs to one answer per arm, seed and test row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmx.errors import RunError
from mmx.experiment import Run
from mmx.interfaces import MethodAnswers
from mmx.runs import RunFolder
from mmx.study.arms import Arms
from mmx.study.spec import StudySpec
from mmx.study.study_folder import Entry

OWN_COLUMNS = frozenset({"sample", "group", "part", "control"})  # of a row, not of its answer


@dataclass(frozen=True, slots=True)
class Answers:
    """What one arm answered on the test rows.

    Attributes:
        samples: [n], ids in order.
        labels: [n], what is true in words.
        groups: [n].
        truths: [n] by name, columns of predictions as the first seed has them.
        given: what was answered, by seed.
        seeds: S of them.
        runs: the folders.
        fixed: no training seed changes it.
    """

    samples: NDArray[np.object_]
    labels: NDArray[np.generic]
    groups: NDArray[np.object_]
    truths: Mapping[str, NDArray[np.generic]]
    given: MethodAnswers
    seeds: tuple[int, ...]
    runs: tuple[Run, ...]
    fixed: bool = False

    def same_rows(self, other: "Answers") -> bool:
        """Whether both were asked the same."""
        return np.array_equal(self.samples, other.samples) and np.array_equal(
            self.labels, other.labels
        )


def answers_of(entries: Sequence[Entry], folds: int) -> Answers | None:
    """The answers of the seeds whose folds are all finished; None when there is no such seed."""
    by_seed: dict[int, list[Run]] = {}
    for entry in sorted(entries, key=lambda one: (one.seed, one.fold)):
        if not entry.error and RunFolder(Path(entry.run)).finished:
            by_seed.setdefault(entry.seed, []).append(Run(Path(entry.run)))
    whole = {seed: runs for seed, runs in by_seed.items() if len(runs) == folds}
    if not whole:
        return None
    tables = [test_rows([run.predictions for run in runs]) for runs in whole.values()]
    return stacked(tables, tuple(whole), tuple(run for runs in whole.values() for run in runs))


@dataclass(frozen=True, slots=True)
class StudyAnswers:
    """Arms and controls with their answers, or with the reason why there are none.

    Attributes:
        answers: by name.
        errors: why the others have none.
        meanings: of controls, for sentences.
        notes: sentences on what controls read and chose.
        against: of controls, the arm that each is held against where that is not the base.
    """

    answers: dict[str, Answers]
    errors: dict[str, str]
    meanings: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    against: dict[str, str] = field(default_factory=dict)


def all_answers(study: StudySpec, arms: Arms, entries: Sequence[Entry]) -> StudyAnswers:
    """The answers of each trained arm; one that saw other rows than the base has none."""
    found = StudyAnswers({}, {})
    for arm in arms.arms:
        mine = [one for one in entries if one.arm == arm.name]
        wrong = [one.error for one in mine if one.error]
        answers = answers_of(mine, study.folds)
        base = found.answers.get(arms.arms[0].name)
        if answers is None:
            found.errors[arm.name] = arm.fault or next(iter(wrong), "it has not been run")
        elif base is not None and not answers.same_rows(base):
            found.errors[arm.name] = (
                f"it was tested on other rows than {arms.arms[0].name}: the two cannot be paired"
            )
        else:
            found.answers[arm.name] = answers
    return _without_alone(arms, found)


def _without_alone(arms: Arms, found: StudyAnswers) -> StudyAnswers:
    """An arm is told as failed when the one it is compared with has no result."""
    against = {arm.name: arm.against for arm in arms.arms if arm.against}
    alone = [name for name in found.answers if against.get(name, name) not in found.answers]
    for name in alone:
        del found.answers[name]
        found.errors[name] = f"{against[name]}, which it is compared with, has no result"
    return _without_alone(arms, found) if alone else found


def test_rows(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Labelled test rows of all folds, by sample.

    Raises:
        RunError: a row is in the test part of two folds.
    """
    table = pd.concat(list(tables), ignore_index=True)
    if "part" in table:
        table = table[table["part"] == "test"]
    table = table[table["label"].notna()].sort_values("sample", ignore_index=True)
    twice = table["sample"][table["sample"].duplicated()].unique()
    if len(twice):
        raise RunError(
            f"{len(twice)} test rows come more than once, such as "
            f"{', '.join(map(str, twice[:3]))}: the folds test the same rows, and counting them "
            "again would feign certainty"
        )
    return table


def stacked(
    tables: Sequence[pd.DataFrame],
    seeds: tuple[int, ...],
    runs: tuple[Run, ...],
    *,
    fixed: bool = False,
) -> Answers:
    """The tables of several seeds as one.

    Args:
        tables: one for each seed, by sample.
        seeds: S of them.
        runs: the folders.
        fixed: no training seed changes the answers.

    Raises:
        RunError: they do not hold the same rows.
    """
    first = tables[0]
    if any(not first["sample"].equals(other["sample"]) for other in tables):
        raise RunError("the seeds of an arm were tested on different rows; run them again")
    names = [name for name in first.columns if name not in OWN_COLUMNS]
    values = [name for name in names if name.startswith("p_")]
    others = [name for name in names if not name.startswith("p_")]
    return Answers(
        first["sample"].to_numpy(dtype=str),
        first["label"].to_numpy(dtype=str),
        first["group"].to_numpy(dtype=str),
        {name: first[name].to_numpy() for name in others},
        MethodAnswers(
            np.stack([table[values].to_numpy(float) for table in tables]),
            {name: np.stack([table[name].to_numpy() for table in tables]) for name in others},
        ),
        seeds,
        runs,
        fixed,
    )


def names_of(base: Answers) -> list[str]:
    """``Task.names``, as the predictions of a run have them in their columns."""
    table = base.runs[0].predictions
    return [str(name)[2:] for name in table.columns if str(name).startswith("p_")]


def mean_metrics(runs: Sequence[Run]) -> dict[str, float]:
    """All metrics of the test part, mean over the runs that have them."""
    tests = [run.metrics["test"]["metrics"] for run in runs]
    found = {}
    for name in dict.fromkeys(name for test in tests for name in test):
        values = [t[name]["value"] for t in tests if name in t and t[name]["value"] is not None]
        if values:
            found[name] = float(np.mean(values))
    return found


def mean_curve(runs: Sequence[Run], metric: str) -> list[tuple[float, float]]:
    """(epoch, validation score), mean over the runs that came so far."""
    by_epoch: dict[int, list[float]] = {}
    for run in runs:
        for epoch, value in _curve(run, metric).items():
            by_epoch.setdefault(epoch, []).append(value)
    return [(float(epoch), float(np.mean(values))) for epoch, values in sorted(by_epoch.items())]


def common_curve(runs: Sequence[Run], metric: str) -> list[float]:
    """Validation score after each epoch that all runs reached, mean over them."""
    curves = [_curve(run, metric) for run in runs]
    common = sorted(set.intersection(*map(set, curves))) if curves else []
    return [float(np.mean([curve[epoch] for curve in curves])) for epoch in common]


def _curve(run: Run, metric: str) -> dict[int, float]:
    """Epoch -> validation score; an epoch that was done again after a kill counts once."""
    told = f"validation {metric}"
    events = RunFolder(run.path).events("epoch")
    return {int(one["epoch"]): float(one[told]) for one in events if one.get(told) is not None}


def costs(runs: Sequence[Run]) -> tuple[int | None, float | None]:
    """Parameters that learn, and seconds of training, mean over the runs."""
    found: list[Mapping[str, Any]] = [run.metrics for run in runs]
    if not found:
        return None, None
    seconds = [one["seconds"]["train"] for one in found]
    return int(found[0]["parameters"]["learning"]), float(np.mean(seconds))


def waived(runs: Sequence[Run]) -> dict[str, str]:
    """Check of the audit -> the reason why these runs accept its finding."""
    found: dict[str, str] = {}
    for run in runs:
        found |= RunFolder(run.path).read_json("audit.json")["waived"]
    return found
