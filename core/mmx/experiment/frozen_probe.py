"""The control ``probe`` of a run: logistic regression on the features of its frozen encoders.

It sees the pooled features that the run's own model sees, and no more: a run that does not reach
it has not earned its fusion, its head or its loss.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmx.data import Part
from mmx.evaluation import Interval, ProbeAnswers, ProbeRows, linear_probe
from mmx.experiment.metrics import vars_of
from mmx.experiment.outcome import decided, score
from mmx.experiment.probe_features import frozen_names, pooled_features
from mmx.files import keep, own_folder, recall
from mmx.interfaces import Task, known_rows
from mmx.pipeline import Sources

MOST = 20_000  # training rows; more of them change the answers little and cost minutes
FORMAT = 1  # of the kept answers; another number is another key


@dataclass(frozen=True, slots=True)
class FrozenProbe:
    """What the probe reached, or why there is none.

    Attributes:
        metrics: the headline on the test part; empty where there is no probe. The weights of the
            classes make its probabilities those of balanced classes, so other metrics of it would
            mislead beside those of the run.
        reads: modalities whose features it saw.
        strength: inverse strength of the penalty, chosen on validation; None without a probe.
        rows: training rows that it learned from.
        missing: why there is no probe; empty where there is one.
    """

    metrics: Mapping[str, Interval]
    reads: tuple[str, ...] = ()
    strength: float | None = None
    rows: int = 0
    missing: str = ""

    @property
    def arm(self) -> dict[str, Mapping[str, Interval]]:
        """The row of the report's table of simpler models; none without a probe."""
        return {} if self.missing else {"probe": self.metrics}

    @property
    def note(self) -> str:
        """One sentence for the report."""
        if self.missing:
            return f"There is no probe beside this run: {self.missing}."
        return (
            f"The probe is a class-balanced logistic regression on the frozen features of "
            f"{' and '.join(self.reads)} of {self.rows} training rows; its strength "
            f"({self.strength:g}) was chosen on validation. A model that does not reach it has not "
            "earned its fusion, head or loss."
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data for metrics.json."""
        if self.missing:
            return {"missing": self.missing}
        told = {name: vars_of(one) for name, one in self.metrics.items()}
        facts = {"reads": list(self.reads), "strength": self.strength, "training_rows": self.rows}
        return {**told, **facts}


@dataclass(frozen=True, slots=True)
class ProbeData:
    """What the probe reads: features and targets of the three parts.

    Attributes:
        features: [n, D] by part.
        targets: [n, ...] by part, as the task knows them.
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


@dataclass(frozen=True, slots=True)
class Headline:
    """The score by which the strength is chosen, as ``TaskParams.selects`` names it first."""

    name: str
    higher: bool

    def of(self, task: Task, log_probs: Tensor, target: Tensor) -> float:
        """The score of rows, some of which may be unknown; higher is better."""
        rows = known_rows(task, target)
        value = task.quick_scores(log_probs[rows].numpy(), target[rows].numpy())[self.name]
        return value if self.higher else -value


def frozen_probe(
    sources: Sources, parts: Mapping[str, Part], task: Task, headline: Headline, cache: Path
) -> FrozenProbe:
    """Train the probe, or take its answers from the cache.

    Args:
        sources: of the batches; those that hold features are read.
        parts: of the split.
        task: owns the target.
        headline: by which the strength is chosen on validation.
        cache: folder in which answers are kept.
    """
    names = frozen_names(sources.by_name)
    if not names:
        return FrozenProbe({}, missing="no encoder gives features that stay as they are")
    some = task.strata(parts["train"].labels.numpy()[:1])
    if task.from_strata([torch.zeros(1, len(one.classes)) for one in some]) is None:
        why = f"a task of the type {task.type} does not say how a classifier answers it"
        return FrozenProbe({}, missing=why)
    data = _data(sources, parts, names)
    answers = _answers(data, task, headline, cache)
    validation, test = (_joined(task, one) for one in (answers.validation, answers.test))
    groups = {name: parts[name].groups for name in parts}
    settled = decided(task, validation, data.targets["validation"], groups["validation"])
    found = score(settled, test, data.targets["test"], groups["test"])
    reached = {headline.name: found.metrics[headline.name]}
    return FrozenProbe(reached, names, answers.strength, len(data.features["train"]))


def _data(sources: Sources, parts: Mapping[str, Part], names: Sequence[str]) -> ProbeData:
    """Features and targets; of very many training rows every k-th."""
    step = -(-len(parts["train"]) // MOST)
    rows = {name: parts[name].rows for name in ("train", "validation", "test")}
    targets = {name: parts[name].labels for name in rows}
    rows["train"], targets["train"] = rows["train"][::step], targets["train"][::step]
    features = {
        name: pooled_features(sources.by_name, names, chosen) for name, chosen in rows.items()
    }
    return ProbeData(features, targets)


def _answers(data: ProbeData, task: Task, headline: Headline, cache: Path) -> ProbeAnswers:
    """From the cache, or computed and kept there; a full disk costs time and no result."""
    file = cache / "probes" / f"{data.digest}-{headline.name}.json"
    if (kept := _recalled(file)) is not None:
        return kept
    strata = task.strata(data.targets["train"].numpy())
    answers = linear_probe(
        ProbeRows(data.features["train"], [one.labels for one in strata]),
        data.features["validation"],
        data.features["test"],
        [len(one.classes) for one in strata],
        lambda found: headline.of(task, _joined(task, found), data.targets["validation"]),
    )
    with suppress(OSError):
        own_folder(file.parent)
        keep(file, answers.to_json())
    return answers


def _recalled(file: Path) -> ProbeAnswers | None:
    """Answers of an earlier run; None when there are none, or they are damaged."""
    kept = recall(file)
    try:
        return None if kept is None else ProbeAnswers.from_json(kept)
    except (ValueError, KeyError, TypeError):
        return None  # of another version


def _joined(task: Task, found: Sequence[NDArray[np.float64]]) -> Tensor:
    """Log-probabilities as the task knows them."""
    joined = task.from_strata([torch.from_numpy(one) for one in found])
    assert joined is not None  # asked before
    return joined
