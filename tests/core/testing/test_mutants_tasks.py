"""Mistakes that authors of tasks make: each is caught, by the law that names it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from pydantic import Field
from torch import Tensor

import mmx
from mmx import Sample
from mmx.blocks import Softmax
from mmx.interfaces import (
    Grid,
    Interval,
    Link,
    MetricWords,
    ScoreSection,
    Strata,
    Summary,
    Target,
    WrongAnswer,
)
from mmx.testing import check
from mmx_plugins.tasks.multi_label import MultiLabel, MultiLabelParams
from mmx_plugins.tasks.single_label import SingleLabel, SingleLabelParams, SingleLabelScores

Caught = Callable[[mmx.Params, str], None]
NOTE = "what is wrong; empty: nothing"
# kind of method -> mistake -> the law that says so
MISTAKES = {
    "task": {
        "called by another name": "builds",
        "a blank row is of the first class": "targets",
        "raises for a label that it does not know": "targets",
        "one output too few for its names": "shapes",
        "logits for log-probabilities": "probabilities",
        "centred over the rows": "batch_independence",
        "unknown rows are of the last class": "strata",
        "counts in another order": "counts",
        "guesses what is rarest": "baseline",
        "seeds numpy in evaluate": "random_state",
        "headline without an interval": "headline",
        "report of another score than epochs": "headline",
        "metrics left out of metrics.json": "written",
        "the first rows count twice": "row_permutation",
        "lower is better, told the other way round": "selects",
        "epochs by another score of the same name": "selects",
        "a cell too few in a table": "sections",
        "words on a metric that is not there": "described_metrics",
        "explanations in a unit that scores lack": "answer_unit",
        "no column of labels": "columns",
        "tensors in a column": "columns",
        "right answers called wrong": "wrong",
        "a tensor in its state": "state",
        "forgets what it decided": "state",
        "classes moved in place": "inputs_kept",
        "default loss of another task": "fits",
        "weights of its link are not saved": "trains",
        "compared on another score than its report": "compared",
        "compared where lower is better": "compared",
        "confidence above 1": "breakdown",
        "a constant answer without a class": "controls",
        "its probe answers the training rows": "controls",
        "answers prompts without the last class": "controls",
    },
    "task of labels": {
        "unknown counts as absent in part_loss": "unknown_labels",
        "unknown labels are scored as absent": "unknown_labels",
        "unknown labels are sorted as present": "strata",
        "decides nothing for the last label": "state",
        "gains of the other side": "gains",
    },
}  # fmt: skip


class OneParams(SingleLabelParams):
    """Settings of a task of classes with a chosen mistake."""

    type: Literal["single_label"] = "single_label"
    mistake: str = Field(default="", description=NOTE)

    def build(self, names: Sequence[str], state: Mapping[str, Any] | None = None) -> "One":
        return One(names, self.mistake, state)


class Reversed(OneParams):
    selects: ClassVar[Mapping[str, bool]] = {"balanced_accuracy": False}


class Stranger(OneParams):
    default_loss: ClassVar[str] = "bce"


class Random(Softmax):
    """Weights that are drawn for each model and not kept with it."""

    def forward(self, raw: Tensor) -> Tensor:
        if not hasattr(self, "plain"):
            self.plain = [torch.randn(self.inputs, self.inputs)]
        return raw @ self.plain[0]


class Loose(Softmax):
    def log_probs(self, logits: Tensor) -> Tensor:
        return logits.clamp(-50, 50)


class Centred(Softmax):
    def forward(self, raw: Tensor) -> Tensor:
        return raw - raw.mean(dim=0)


class One(SingleLabel):
    def __init__(
        self, names: Sequence[str], mistake: str, state: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(names)
        self.mistake, self.decided = mistake, dict(state or {})
        if mistake == "called by another name":
            self.type = "one_label"

    @property
    def answer_unit(self) -> str | None:
        return "years" if self.mistake == "explanations in a unit that scores lack" else None

    def target(self, sample: Sample) -> Target:
        if self.mistake == "a blank row is of the first class" and sample.label is None:
            return Target(0)
        if self.mistake == "raises for a label that it does not know" and sample.label:
            return Target(self.names.index(sample.label))
        return super().target(sample)

    def strata(self, target: Any) -> Sequence[Strata]:
        (found,) = super().strata(target)
        wrong = self.mistake == "unknown rows are of the last class"
        return (replace(found, labels=target % len(self.names)),) if wrong else (found,)

    def counts(self, target: Tensor) -> Tensor:
        found = super().counts(target)
        return found.flip(0) if self.mistake == "counts in another order" else found

    def link(self) -> Link:
        links = {
            "logits for log-probabilities": Loose, "centred over the rows": Centred,
            "weights of its link are not saved": Random,
        }  # fmt: skip
        return links.get(self.mistake, Softmax)(len(self.names))

    def values(self, log_probs: Tensor) -> Tensor:
        found = super().values(log_probs)
        return found[:, 1:] if self.mistake == "one output too few for its names" else found

    def guess(self, prior: Tensor) -> Tensor:
        rare = self.mistake == "guesses what is rarest"
        return super().guess(1 / prior if rare else prior)

    def quick_scores(self, log_probs: Any, target: Any) -> dict[str, float]:
        found = super().quick_scores(log_probs, target)
        if self.mistake == "epochs by another score of the same name":
            found["balanced_accuracy"] = found["accuracy"]
        return found

    def evaluate(self, log_probs: Any, target: Any, groups: Sequence[str]) -> "OneScores":
        if self.mistake == "seeds numpy in evaluate":
            np.random.seed(0)
        if self.mistake == "classes moved in place":
            target[:] = target[::-1].copy()
        if self.mistake == "the first rows count twice":
            twice = np.r_[np.arange(len(target)), np.arange(5)]
            log_probs, target = log_probs[twice], target[twice]
        named = [groups[row % len(groups)] for row in range(len(target))]
        found = OneScores(super().evaluate(log_probs, target, named).found)
        object.__setattr__(found, "mistake", self.mistake)
        return found

    def truths(self, target: Tensor) -> dict[str, Any]:
        found = super().truths(target)
        return {"class": found["label"]} if self.mistake == "no column of labels" else found

    def answers(self, log_probs: Tensor) -> dict[str, Any]:
        found = super().answers(log_probs)
        if self.mistake == "tensors in a column":
            found["spread"] = np.array([*log_probs, None], dtype=object)[:-1]
        return found | {"decided": np.full(len(log_probs), self.decided.get("rows", 0))}

    def compared(self, answers: Any, truths: Any, groups: Any, metrics: Any) -> Any:
        found = super().compared(answers, truths, groups, metrics)
        if self.mistake == "compared on another score than its report":
            found = {**found, "macro_f1": found["accuracy"]}
        if self.mistake == "compared where lower is better":
            found["accuracy"].lower_is_better = True
        return found

    def reliability(self, answers: Any, truths: Any) -> Any:
        scale = 100 if self.mistake == "confidence above 1" else 1
        return [(scale * one, right) for one, right in super().reliability(answers, truths)]

    def constants(self, target: Tensor) -> Any:
        (found,) = super().constants(target)
        short = self.mistake == "a constant answer without a class"
        return (replace(found, log_probs=found.log_probs[1:]),) if short else (found,)

    def probe(self, train: Any, target: Tensor, test: Any, prior: Any, strength: float) -> Any:
        other = self.mistake == "its probe answers the training rows"
        return super().probe(train, target, train if other else test, prior, strength)

    def prompted(self, logits: Tensor, *, alone: bool) -> Tensor | None:
        short = self.mistake == "answers prompts without the last class"
        return super().prompted(logits[:, :-1] if short else logits, alone=alone)

    def wrong(self, log_probs: Tensor, target: Tensor, most: int) -> Sequence[WrongAnswer]:
        found = super().wrong(log_probs, target, most)
        right = self.mistake == "right answers called wrong"
        return [replace(one, true=one.predicted) for one in found] if right else found

    def fitted(self, log_probs: Tensor, target: Tensor, groups: Sequence[str]) -> "One":
        return One(self.names, self.mistake, {"rows": len(target)})

    def state(self) -> dict[str, Any]:
        if self.mistake == "a tensor in its state":
            return {"rows": torch.zeros(1)}
        return {} if self.mistake == "forgets what it decided" else self.decided


class OneScores(SingleLabelScores):
    mistake = ""

    @property
    def metrics(self) -> Mapping[str, Interval]:
        found = super().metrics
        if self.mistake == "headline without an interval":
            return {name: Interval(one.value) for name, one in found.items()}
        return found

    @property
    def described(self) -> Mapping[str, Any]:
        ghost = self.mistake == "words on a metric that is not there"
        return {"ghost": MetricWords("Ghost")} if ghost else {}

    def to_json(self) -> dict[str, Any]:
        found = super().to_json()
        if self.mistake == "metrics left out of metrics.json":
            found["metrics"] = {"accuracy": found["metrics"]["accuracy"]}
        return found

    def summary(self, group: str) -> Summary:
        found = super().summary(group)
        if self.mistake == "report of another score than epochs":
            return replace(found, metric="accuracy", headline=self.metrics["accuracy"])
        return found

    def sections(self, group: str) -> Sequence[ScoreSection]:
        found = super().sections(group)
        if self.mistake != "a cell too few in a table":
            return found
        return (*found, ScoreSection("own", "Own", "Own", content=[Grid(("a", "b"), (("x",),))]))


class ManyParams(MultiLabelParams):
    """Settings of a task of labels with a chosen mistake."""

    type: Literal["multi_label"] = "multi_label"
    mistake: str = Field(default="", description=NOTE)

    def build(self, names: Sequence[str], state: Mapping[str, Any] | None = None) -> "Many":
        found = super().build(names, state)
        made = Many(names, self.unknown, found.thresholds)
        made.mistake = self.mistake
        return made


class Many(MultiLabel):
    mistake = ""

    def part_loss(self, log_probs: Tensor, target: Tensor) -> Tensor:
        wrong = self.mistake == "unknown counts as absent in part_loss"
        return super().part_loss(log_probs, target.clamp(min=0) if wrong else target)

    def strata(self, target: Any) -> Sequence[Strata]:
        wrong = self.mistake == "unknown labels are sorted as present"
        return super().strata(np.where(target < 0, 1, target) if wrong else target)

    def evaluate(self, log_probs: Any, target: Any, groups: Sequence[str]) -> Any:
        wrong = self.mistake == "unknown labels are scored as absent"
        return super().evaluate(log_probs, np.maximum(target, 0) if wrong else target, groups)

    def quick_scores(self, log_probs: Any, target: Any) -> dict[str, float]:
        wrong = self.mistake == "unknown labels are scored as absent"
        return super().quick_scores(log_probs, np.maximum(target, 0) if wrong else target)

    def gains(self, name: str, kept: Any, new: Any, target: Any, block: Any) -> Any:
        other = self.mistake == "gains of the other side"
        return super().gains(name, *((new, kept) if other else (kept, new)), target, block)

    def fitted(self, log_probs: Tensor, target: Tensor, groups: Sequence[str]) -> "Many":
        found = super().fitted(log_probs, target, groups)
        made = Many(self.names, "ignore", found.thresholds)
        made.mistake = self.mistake
        return made

    def state(self) -> dict[str, Any]:
        found = super().state()
        if self.mistake == "decides nothing for the last label":
            found["thresholds"] = {k: [*v[:-1], 0.5] for k, v in found["thresholds"].items()}
        return found


CASES = [(kind, one, law) for kind, laws in MISTAKES.items() for one, law in laws.items()]
OTHER: dict[str, Callable[..., mmx.Params]] = {
    "lower is better, told the other way round": Reversed,
    "default loss of another task": Stranger,
}


def made(kind: str, mistake: str = "") -> mmx.Params:
    plain = OneParams if kind == "task" else ManyParams
    return OTHER.get(mistake, plain)(mistake=mistake)


@pytest.mark.parametrize("kind", MISTAKES)
def test_the_right_ones_keep_all_laws(kind: str) -> None:
    assert [one for one in check(made(kind)) if one.status != "passed"] == []


@pytest.mark.parametrize(("kind", "mistake", "law"), CASES)
def test_a_mistake_is_caught_by_the_law_that_names_it(
    kind: str, mistake: str, law: str, caught: Caught
) -> None:
    caught(made(kind, mistake), law)
