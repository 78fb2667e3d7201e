"""Mistakes that authors of losses make: each is caught, by the law that names it."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

import mmx
from mmx import LossValue, Outputs
from mmx.blocks import Cumulative
from mmx.errors import ShapeError
from mmx.interfaces import Link

MMX_API = 2
Failing = Callable[[mmx.Params], dict[str, str]]
Caught = Callable[[mmx.Params, str], None]
# kind of method -> mistake -> the law that says so
MISTAKES = {
    "loss": {
        "logits changed where a modality is missing": "inputs_kept",
        "seeds torch, loss": "random_state",
        "running mean of the loss": "state",
        "weights made in main memory": "device",
        "missing part counts": "missing",
        "scores the modality that it is told first": "named",
        "overflows for large logits": "extremes",
        "needs a batch of four": "scalar",
        "setting never read, loss": "settings_read",
    },
    "loss of labels": {
        "divides by the known of the batch": "batches_add_up",
        "unknown counts as absent": "unknown_labels",
        "zero times what is not a number": "scalar",
        "labels weigh by their place": "label_permutation",
        "prior of another loss": "states_its_prior",
    },
    "loss of levels": {
        "thresholds out of order": "probabilities",
        "divides by the terms of the batch": "batches_add_up",
    },
}

NOTE = "what is wrong; empty: nothing"


class LossMutantParams(mmx.LossParams):
    """Settings of a cross-entropy of two heads with a chosen mistake."""

    type: Literal["loss_mutant"] = "loss_mutant"
    mistake: str = Field(default="", description=NOTE)

    def check_modalities(self, names: Sequence[str]) -> None:
        if "image" not in names:
            raise ShapeError("it reads an image")

    def build(self, class_counts: Tensor) -> mmx.Loss:
        return Entropy(self.mistake)


class IdleLossParams(LossMutantParams):
    gamma: float = Field(default=2.0, description="a number that nobody reads")


class Entropy(mmx.Loss):
    parts: tuple[str, ...] = ("image",)

    def __init__(self, mistake: str) -> None:
        super().__init__()
        self.mistake, self.mean = mistake, 0.0

    def set_modalities(self, names: Sequence[str]) -> None:
        if self.mistake == "scores the modality that it is told first":
            self.parts = (names[0],)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        mistake, image = self.mistake, outputs.part_logits[self.parts[0]]
        here = outputs.there(self.parts[0]).float()
        if mistake == "missing part counts":
            here = torch.ones_like(here)
        if mistake == "logits changed where a modality is missing" and not torch.is_grad_enabled():
            image.masked_fill_(~outputs.there(self.parts[0])[:, None], 0)
        if mistake == "seeds torch, loss":
            torch.manual_seed(1)
        if mistake == "needs a batch of four" and len(target) != 4:
            raise ValueError("four, please")
        each = F.cross_entropy(image, target, reduction="none") * here
        total = F.cross_entropy(outputs.logits, target) + each.mean()
        if mistake == "overflows for large logits":
            total = total + outputs.logits.exp().sum().log() * 1e-3
        if mistake == "weights made in main memory":
            total = total + (outputs.logits.sum(dim=0) * torch.arange(3)).sum() * 1e-6
        if mistake == "running mean of the loss":
            self.mean += float(total.detach()) if self.training else 0.0
            total = total + self.mean
        return LossValue(total, {"total": total.detach()})


class LabelsMutantParams(mmx.LossParams):
    """Settings of a binary cross-entropy of several labels with a chosen mistake."""

    tasks: ClassVar[frozenset[str]] = frozenset({"multi_label"})
    type: Literal["labels_mutant"] = "labels_mutant"
    mistake: str = Field(default="", description=NOTE)

    def build(self, class_counts: Tensor) -> mmx.Loss:
        return EachLabel(self.mistake)


class EachLabel(mmx.Loss):
    def __init__(self, mistake: str) -> None:
        super().__init__()
        self.mistake = mistake

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        known, count = target >= 0, 2.0 * len(target)
        each = F.softplus(torch.where(target > 0, -outputs.logits, outputs.logits))
        if self.mistake == "zero times what is not a number":
            each = each + 0 * (outputs.logits / (target + 1))
        if self.mistake == "unknown counts as absent":
            known = torch.ones_like(known)
        if self.mistake == "divides by the known of the batch":
            count = float(known.sum().clamp(min=1))
        if self.mistake == "labels weigh by their place":
            each = each * torch.arange(1, 4, device=each.device)
        total = each.where(known, 0).sum() / count
        if self.mistake == "zero times what is not a number":
            total = (each * known).sum() / count
        return LossValue(total, {"total": total.detach()})

    def prior(self, class_counts: Tensor) -> Tensor:
        if self.mistake == "prior of another loss":
            return torch.full((len(class_counts), 2), 0.5, dtype=torch.float64)
        return super().prior(class_counts)


class LevelsMutantParams(mmx.LossParams):
    """Settings of a loss of ordered levels with a chosen mistake."""

    tasks: ClassVar[frozenset[str]] = frozenset({"ordinal"})
    type: Literal["levels_mutant"] = "levels_mutant"
    mistake: str = Field(default="", description=NOTE)

    def link(self, class_counts: Tensor) -> Link:
        loose = self.mistake == "thresholds out of order"
        return Loose(class_counts) if loose else Cumulative(class_counts)

    def build(self, class_counts: Tensor) -> mmx.Loss:
        return Thresholds(self.mistake)


class Loose(Cumulative):
    def forward(self, raw: Tensor) -> Tensor:
        return raw - self.thresholds.flip(0)

    def log_probs(self, logits: Tensor) -> Tensor:
        above = F.pad(F.pad(logits.sigmoid(), (1, 0), value=1.0), (0, 1))
        return (above[:, :-1] - above[:, 1:]).clamp(min=1e-30).log()


class Thresholds(mmx.Loss):
    def __init__(self, mistake: str) -> None:
        super().__init__()
        self.mistake = mistake

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        level = torch.arange(outputs.logits.shape[1], device=target.device)
        above = target[:, None] > level
        each = F.softplus(torch.where(above, -outputs.logits, outputs.logits))
        total = each.sum(dim=1).mean()
        if self.mistake == "divides by the terms of the batch":
            asked = target[:, None] >= level
            total = each.where(asked, 0).sum() / asked.sum()
        return LossValue(total, {"total": total.detach()})


def mutant(mistake: str = "") -> LossMutantParams:
    never_read = mistake == "setting never read, loss"
    return IdleLossParams() if never_read else LossMutantParams(mistake=mistake)


METHODS: dict[str, Callable[..., mmx.Params]] = {
    "loss": mutant,
    "loss of labels": LabelsMutantParams,
    "loss of levels": LevelsMutantParams,
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
