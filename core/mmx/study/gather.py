"""From the folders of finished runs to one answer per arm, seed and test row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmx.errors import RunError
from mmx.evaluation import BINS, equal_mass_bins
from mmx.experiment import Run
from mmx.runs import RunFolder
from mmx.study.arms import Arms
from mmx.study.spec import StudySpec
from mmx.study.study_folder import Entry

MEANS = ("macro_auroc", "ece", "classwise_ece", "brier", "nll")


@dataclass(frozen=True, slots=True)
class LabelAnswers:
    """Answers about several labels.

    Attributes:
        target: [n, L] in {0, 1, -1}, -1 for unknown.
        probs: [S, n, L], of each label being present, by seed.
    """

    target: NDArray[np.int64]
    probs: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answers:
    """What one arm answered on the test rows.

    Attributes:
        samples: [n], ids in order.
        labels: [n], class names.
        groups: [n].
        predicted: [S, n], class names, by seed.
        confidence: [S, n], probability of the predicted class; empty when there is none.
        seeds: S of them.
        runs: the folders.
        labelled: target and probabilities where a row has several labels.
    """

    samples: NDArray[Any]
    labels: NDArray[Any]
    groups: NDArray[Any]
    predicted: NDArray[Any]
    confidence: NDArray[np.float64]
    seeds: tuple[int, ...]
    runs: tuple[Run, ...]
    labelled: LabelAnswers | None = None

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
    """Arms and controls with their answers, or with the reason why there are none."""

    answers: dict[str, Answers]
    errors: dict[str, str]


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
    tables: Sequence[pd.DataFrame], seeds: tuple[int, ...], runs: tuple[Run, ...]
) -> Answers:
    """The tables of several seeds as one.

    Raises:
        RunError: they do not hold the same rows.
    """
    first = tables[0]
    if any(not first["sample"].equals(other["sample"]) for other in tables):
        raise RunError("the seeds of an arm were tested on different rows; run them again")
    chances = [name for name in first.columns if name.startswith("p_")]
    labelled = _labelled(tables)
    told = chances and labelled is None
    confidence = [table[chances].max(axis=1).to_numpy(float) for table in tables if told]
    return Answers(
        first["sample"].to_numpy(dtype=str),
        first["label"].to_numpy(dtype=str),
        first["group"].to_numpy(dtype=str),
        np.stack([table["predicted"].to_numpy(dtype=str) for table in tables]),
        np.stack(confidence) if confidence else np.zeros((0, len(first))),
        seeds,
        runs,
        labelled,
    )


def _labelled(tables: Sequence[pd.DataFrame]) -> LabelAnswers | None:
    """Target and probabilities of several labels; None where a row has one label."""
    first = tables[0]
    names = [name[2:] for name in first.columns if name.startswith("p_")]
    if not names or any(f"label_{name}" not in first for name in names):
        return None
    target = first[[f"label_{name}" for name in names]].to_numpy(float)
    columns = [f"p_{name}" for name in names]
    return LabelAnswers(
        np.where(np.isnan(target), -1, target).astype(np.int64),
        np.stack([table[columns].to_numpy(float) for table in tables]),
    )


def coded(values: NDArray[Any], classes: Sequence[str]) -> NDArray[np.int64]:
    """Places of class names in ``classes``, in the same shape."""
    indices = {name: index for index, name in enumerate(classes)}
    flat = np.array([indices[name] for name in values.ravel()], dtype=np.int64)
    return flat.reshape(values.shape)


def mean_metrics(runs: Sequence[Run]) -> dict[str, float]:
    """Metrics that are not compared, mean over the runs."""
    tests = [run.metrics["test"]["metrics"] for run in runs]
    found = {}
    for name in MEANS:
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


def reliability(answers: Answers) -> list[tuple[float, float]]:
    """(mean confidence, share that is right) in bins of equal mass over all seeds."""
    if not len(answers.confidence):
        return []
    right = (answers.predicted == answers.labels).ravel().astype(float)
    confidence = answers.confidence.ravel()
    bins = equal_mass_bins(confidence)
    count = np.bincount(bins, minlength=BINS)
    sums = [np.bincount(bins, values, minlength=BINS) for values in (confidence, right)]
    return [
        (float(sums[0][index] / count[index]), float(sums[1][index] / count[index]))
        for index in np.flatnonzero(count)
    ]


def sensitivities(answers: Answers, classes: Sequence[str]) -> dict[str, float]:
    """Share of each class's rows that was found, or AUROC of each label, mean over the seeds."""
    if answers.labelled is not None:
        return _areas(answers.runs)
    right = (answers.predicted == answers.labels).mean(axis=0)
    members = {name: answers.labels == name for name in classes}
    return {name: float(right[rows].mean()) for name, rows in members.items() if rows.any()}


def _areas(runs: Sequence[Run]) -> dict[str, float]:
    """AUROC of each label that a run could score, mean over the runs."""
    found: dict[str, list[float]] = {}
    for run in runs:
        for one in run.metrics["test"]["per_label"]:
            if one["auroc"]["value"] is not None:
                found.setdefault(one["name"], []).append(float(one["auroc"]["value"]))
    return {name: float(np.mean(values)) for name, values in found.items()}


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
