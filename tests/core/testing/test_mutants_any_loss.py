"""Mistakes of losses in a task that is not their first, in other modalities, and in a new task."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

import mmx
from mmx import LossValue, Outputs
from mmx.blocks import labels_per_row
from mmx.interfaces import Link, Target, TaskParams
from mmx.testing import check_law
from mmx.testing.toy_task import Classes

MMX_API = 2
Failing = Callable[[mmx.Params], dict[str, str]]
Caught = Callable[[mmx.Params, str], None]
# kind of method -> mistake -> the law that says so
MISTAKES = {
    "loss of classes and labels": {
        "unknown counts, in the second task": "unknown_labels",
        "prior of another loss, in the second task": "states_its_prior",
        "needs classes": "scalar",
    },
    "loss of any modalities": {
        "reads the column of a text": "scalar",
        "reads an image whatever it is told": "named",
        "third modality counts where it is missing": "missing",
        "never reads the third modality": "gradient",
    },
    "loss of a number": {
        "overflows for far answers": "extremes",
        "states a median": "states_its_prior",
        "spread made in main memory": "device",
        "the last row counts twice": "batch_permutation",
        "fails in training": "trains",
    },
}

NOTE = "what is wrong; empty: nothing"


class BothMutantParams(mmx.LossParams):
    """Settings of a loss of one class or several labels, whose mistakes are of the second."""

    tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "multi_label"})
    type: Literal["both_mutant"] = "both_mutant"
    mistake: str = Field(default="", description=NOTE)

    def build(self, class_counts: Tensor) -> mmx.Loss:
        if class_counts.ndim == 1 or self.mistake == "needs classes":
            return Entropies("")
        return EachLabel(self.mistake, labels_per_row(class_counts))


class EachLabel(mmx.Loss):
    def __init__(self, mistake: str, per_row: float) -> None:
        super().__init__()
        self.mistake, self.per_row = mistake, per_row

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        known = target >= 0
        if self.mistake == "unknown counts, in the second task":
            known = torch.ones_like(known)
        each = F.softplus(torch.where(target > 0, -outputs.logits, outputs.logits))
        total = each.where(known, 0).sum() / (self.per_row * len(target))
        return LossValue(total, {"total": total.detach()})

    def prior(self, class_counts: Tensor) -> Tensor:
        if self.mistake == "prior of another loss, in the second task":
            return torch.full((len(class_counts), 2), 0.5, dtype=torch.float64)
        return super().prior(class_counts)


class AnyMutantParams(mmx.LossParams):
    """Settings of a cross-entropy of each modality with a chosen mistake."""

    type: Literal["any_mutant"] = "any_mutant"
    mistake: str = Field(default="", description=NOTE)

    def build(self, class_counts: Tensor) -> mmx.Loss:
        return Entropies(self.mistake)


class Entropies(mmx.Loss):
    def __init__(self, mistake: str) -> None:
        super().__init__()
        self.mistake = mistake

    def set_modalities(self, names: Sequence[str]) -> None:
        fixed = self.mistake == "reads an image whatever it is told"
        self.parts = ("image",) if fixed else tuple(names)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        total = F.cross_entropy(outputs.logits, target)
        if self.mistake == "reads the column of a text":
            total = total + 0 * outputs.present[:, 1].sum()
        for place, name in enumerate(self.parts):
            each = F.cross_entropy(outputs.part_logits[name], target, reduction="none")
            careless = self.mistake == "third modality counts where it is missing"
            here = torch.ones_like(each) if careless and place == 2 else outputs.there(name)
            unread = self.mistake == "never reads the third modality" and place == 2
            total = total + (0 if unread else 1) * (each * here).mean()
        return LossValue(total, {"total": total.detach()})


class NumberParams(TaskParams):
    """A task that the laws do not know: one number a row."""

    type: Literal["number"] = "number"
    selects: ClassVar[Mapping[str, bool]] = {"error": False}
    expected_failures: ClassVar[Mapping[str, str]] = {"probabilities": "it answers with a number"}

    def build(self, names: Sequence[str], state: Mapping[str, object] | None = None) -> "Number":
        return Number(names)

    def example(self, rows: int) -> Sequence[mmx.Sample]:
        return [mmx.Sample(f"{row}", f"{row}", labels={"cm": row**2 / 10}) for row in range(rows)]


class Number(Classes):
    type = "number"

    def target(self, sample: mmx.Sample) -> Target:
        return Target(float(sample.labels["cm"] or 0))

    def known(self, target: Tensor) -> Tensor:
        return ~target.isnan()

    def counts(self, target: Tensor) -> Tensor:
        return torch.stack([target.mean(), target.median(), target.std()])

    def link(self) -> Link:
        return Itself()

    def guess(self, prior: Tensor) -> Tensor:
        return prior

    def quick_scores(self, log_probs: Any, target: Any) -> dict[str, float]:
        return {"error": float(abs(log_probs[:, 0] - target).mean())}


class Itself(Link):
    inputs = 1

    def forward(self, raw: Tensor) -> Tensor:
        return raw

    def log_probs(self, logits: Tensor) -> Tensor:
        return logits


class NumberMutantParams(mmx.LossParams):
    """Settings of a squared error with a chosen mistake."""

    tasks: ClassVar[frozenset[str]] = frozenset({"number"})
    type: Literal["number_mutant"] = "number_mutant"
    mistake: str = Field(default="", description=NOTE)

    def build(self, class_counts: Tensor) -> mmx.Loss:
        return Squared(self.mistake, class_counts)


class Squared(mmx.Loss):
    def __init__(self, mistake: str, counts: Tensor) -> None:
        super().__init__()
        self.mistake, self.spread = mistake, float(counts[2])

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        if self.mistake == "fails in training" and self.training and outputs.logits.requires_grad:
            raise ValueError("no more of this")
        gaps = (outputs.logits[:, 0] - target.float()) / self.spread
        if self.mistake == "spread made in main memory":
            gaps = gaps * torch.ones(1)
        if self.mistake == "the last row counts twice":
            gaps = torch.cat([gaps, gaps[-1:]])
        total = (gaps.cosh() if self.mistake == "overflows for far answers" else gaps**2).mean()
        return LossValue(total, {"total": total.detach()})

    def prior(self, class_counts: Tensor) -> Tensor:
        return class_counts[1:2] if self.mistake == "states a median" else class_counts[:1]


def mmx_components() -> Sequence[type[mmx.Params]]:
    return [NumberParams]


METHODS: dict[str, Callable[..., mmx.Params]] = {
    "loss of classes and labels": BothMutantParams,
    "loss of any modalities": AnyMutantParams,
    "loss of a number": NumberMutantParams,
}
CASES = [(kind, *one) for kind, found in MISTAKES.items() for one in found.items()]


@pytest.mark.parametrize("kind", METHODS)
def test_the_right_ones_keep_all_laws(kind: str, failing: Failing) -> None:
    assert failing(METHODS[kind]()) == {}


@pytest.mark.parametrize(("kind", "mistake", "law"), CASES)
def test_a_mistake_is_caught_by_the_law_that_names_it(
    kind: str, mistake: str, law: str, caught: Caught
) -> None:
    caught(METHODS[kind](mistake=mistake), law)


def test_a_task_that_is_not_installed_is_told() -> None:
    class ElsewhereParams(AnyMutantParams):
        tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "survival"})

    assert (
        "not tried: task survival is not installed" in check_law(ElsewhereParams(), "builds").detail
    )
    ElsewhereParams.tasks = frozenset({"survival"})
    found = check_law(ElsewhereParams(), "scalar")
    assert (found.status, found.detail) == ("not run", "task survival is not installed")


def test_a_law_says_in_which_task_and_model_it_fails() -> None:
    wrong = BothMutantParams(mistake="unknown counts, in the second task")
    words = check_law(wrong, "unknown_labels").detail
    assert words.endswith("(task multi_label; modalities image, text)")
    other = AnyMutantParams(mistake="third modality counts where it is missing")
    assert check_law(other, "missing").detail.endswith("modalities scan, words, values)")
