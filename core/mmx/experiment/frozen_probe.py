"""The control ``probe`` of a run: a linear model on the features of its frozen encoders.

It sees the pooled features that the run's own model sees, and no more: a run that does not reach
it has not earned its fusion, its head or its loss.

Source: Alain & Bengio 2016, Understanding intermediate layers using linear classifier probes,
arXiv:1610.01644; the linear model is that of the task.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmx.data import Part
from mmx.evaluation import Interval, fit_linear_map
from mmx.experiment.controls_table import ControlAnswers
from mmx.experiment.metrics import vars_of
from mmx.experiment.outcome import decided, score
from mmx.experiment.probe_features import frozen_names, pooled_features
from mmx.files import keep, own_folder, recall
from mmx.interfaces import Task, TaskParams, known_rows
from mmx.pipeline import Sources
from mmx.training import ProbeJudge

PROBE = "probe"  # as tables call it
MOST = 20_000  # training rows; more of them change the answers little and cost minutes
FORMAT = 5  # of the kept answers; another number is another key


@dataclass(frozen=True, slots=True)
class FrozenProbe:
    """What the probe reached, or why there is none.

    Attributes:
        metrics: the headline on the test part; empty where there is no probe. It may be trained
            for balanced classes, so its probabilities would mislead beside those of the run.
        balanced: whether classes weigh alike, where rows have one class each.
        reads: modalities whose features it saw.
        strength: inverse weight of the penalty; None without a probe.
        chosen: whether it was chosen on validation; else it is the strongest penalty.
        rows: training rows that it learned from.
        missing: why there is no probe; empty where there is one.
        answers: to the test part; None without a probe.
    """

    metrics: Mapping[str, Interval]
    balanced: bool = True
    reads: tuple[str, ...] = ()
    strength: float | None = None
    chosen: bool = True
    rows: int = 0
    missing: str = ""
    answers: ControlAnswers | None = None

    @property
    def arm(self) -> dict[str, Mapping[str, Interval]]:
        """The row of the report's table of simpler models; none without a probe."""
        return {} if self.missing else {PROBE: self.metrics}

    @property
    def note(self) -> str:
        """One sentence for the report."""
        if self.missing:
            return f"There is no probe beside this run: {self.missing}."
        weight = ", each class with equal weight" if self.balanced else ""
        unchosen = (
            "is the first one that is tried, of the strongest penalty, since validation gives no "
            "score to choose by"
        )
        return (
            f"The probe is a linear model on the frozen features of {' and '.join(self.reads)} of "
            f"{self.rows} training rows{weight}; its strength ({self.strength:g}) "
            f"{'was chosen on validation' if self.chosen else unchosen}. A model that does not "
            "reach it has not earned its fusion, head or loss."
        )

    def to_json(self) -> dict[str, object]:
        """Plain data for metrics.json."""
        if self.missing:
            return {"missing": self.missing}
        told = {name: vars_of(one) for name, one in self.metrics.items()}
        return {
            **told,
            "balanced": self.balanced,
            "reads": list(self.reads),
            "strength": self.strength,
            "chosen_on_validation": self.chosen,
            "training_rows": self.rows,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "FrozenProbe":
        """What ``to_json`` gave, without its figures."""
        return cls(
            {},
            told.get("balanced", True),
            tuple(told.get("reads", ())),
            told.get("strength"),
            told.get("chosen_on_validation", True),  # runs of older versions say nothing of it
            told.get("training_rows", 0),
            told.get("missing", ""),
        )


@dataclass(frozen=True, slots=True)
class ProbeAnswers:
    """Answers of the probe, as ``Link.log_probs`` gives them.

    Attributes:
        strength: that was best on validation.
        chosen: whether validation gave scores to choose it by.
        validation: [n, ...].
        test: [m, ...].
    """

    strength: float
    chosen: bool
    validation: Tensor
    test: Tensor


@dataclass(frozen=True, slots=True)
class ProbeData:
    """Features and targets by part: train, validation and test.

    Attributes:
        features: [n, D].
        targets: [n, ...], as the task knows them.
    """

    features: Mapping[str, NDArray[np.float32]]
    targets: Mapping[str, Tensor]

    @property
    def digest(self) -> str:
        """Of all that decides the answers."""
        told = hashlib.sha256(f"{FORMAT}".encode())
        for part, features in self.features.items():
            told.update(f"{part} {features.shape}".encode())
            told.update(np.ascontiguousarray(features).data)
            told.update(np.ascontiguousarray(self.targets[part].numpy()).data)
        return told.hexdigest()[:32]


def frozen_probe(
    sources: Sources, parts: Mapping[str, Part], task: Task, params: TaskParams, cache: Path
) -> FrozenProbe:
    """Train the probe, or take its answers from the cache.

    Args:
        sources: of the batches; those that hold features are read.
        parts: of the split.
        task: owns the target.
        params: its settings.
        cache: folder in which answers are kept.
    """
    names = frozen_names(sources.by_name)
    if not names:
        return FrozenProbe({}, missing="no encoder gives features that stay as they are")
    data = probe_data(sources, parts, names, task)
    digest = hashlib.sha256(f"{data.digest} {params.entry_point} {params!r}".encode()).hexdigest()
    file = cache / "probes" / f"{digest[:32]}.json"
    answers = _recalled(file) or _computed(file, data, task, params)
    target, group = data.targets, {name: part.groups for name, part in parts.items()}
    settled = decided(task, answers.validation, target["validation"], group["validation"])
    headline = next(iter(params.selects))
    found = score(settled, answers.test, target["test"], group["test"]).metrics[headline]
    return FrozenProbe(
        {headline: found},
        params.exclusive,
        names,
        answers.strength,
        answers.chosen,
        len(data.features["train"]),
        answers=ControlAnswers(settled, answers.test),
    )


def probe_data(
    sources: Sources, parts: Mapping[str, Part], names: tuple[str, ...], task: Task
) -> ProbeData:
    """Features and targets; training rows are known ones, of very many every k-th."""
    known = known_rows(task, parts["train"].labels)
    known = known[:: -(-len(known) // MOST)]
    rows = {name: parts[name].rows for name in ("train", "validation", "test")}
    rows["train"] = rows["train"][known.numpy()]
    targets = {name: parts[name].labels for name in rows}
    targets["train"] = targets["train"][known]
    features = {
        name: pooled_features(sources.by_name, names, chosen) for name, chosen in rows.items()
    }
    return ProbeData(features, targets)


def linear_probe(data: ProbeData, task: Task, params: TaskParams) -> ProbeAnswers:
    """The linear model that is best by the headline on validation; see ``fit_linear_map``.

    Where rows have one class each, all classes weigh alike.

    Args:
        data: features and targets.
        task: owns the target.
        params: its settings.
    """
    prior = torch.full((len(task.names),), 1 / len(task.names)) if params.exclusive else None
    link = task.link().double().requires_grad_(False)
    judge = ProbeJudge(task, params, lambda raw: link.log_probs(link(raw)), prior)
    features = {part: torch.from_numpy(of) for part, of in data.features.items()}
    known = known_rows(task, data.targets["validation"])
    asked, truth = features["validation"][known], data.targets["validation"][known]
    rows = judge.rows(features["train"], data.targets["train"], asked, truth)
    found = fit_linear_map(rows.train, rows.validation, link.inputs, rows.loss, rows.quality)
    answers = (judge.log_probs(found(features[part])) for part in ("validation", "test"))
    return ProbeAnswers(found.strength, isfinite(found.quality), *answers)


def _recalled(file: Path) -> ProbeAnswers | None:
    """Answers of an earlier run; None when there are none, or they are damaged."""
    kept = recall(file)
    try:
        return None if kept is None else _answers(kept)
    except (ValueError, KeyError, TypeError):
        return None  # of another version


def _answers(kept: Mapping[str, Any]) -> ProbeAnswers:
    """What ``_computed`` wrote."""
    parts = (torch.tensor(kept[part], dtype=torch.float64) for part in ("validation", "test"))
    return ProbeAnswers(float(kept["strength"]), bool(kept["chosen"]), *parts)


def _computed(file: Path, data: ProbeData, task: Task, params: TaskParams) -> ProbeAnswers:
    """Answers, kept for later runs; a full disk costs time and no result."""
    answers = linear_probe(data, task, params)
    parts = {"validation": answers.validation.tolist(), "test": answers.test.tolist()}
    with suppress(OSError):
        own_folder(file.parent)
        keep(file, {"strength": answers.strength, "chosen": answers.chosen, **parts})
    return answers
