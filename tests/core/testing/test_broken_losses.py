"""The kit catches losses that break a law, each by that law."""

from typing import Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from mmx import Loss, LossParams, LossValue, Outputs
from mmx.testing import check


class FaultyParams(LossParams):
    """Settings of a loss with a chosen fault."""

    type: Literal["faulty"] = "faulty"
    fault: str = Field(default="", description="law that it breaks; empty: none")

    def build(self, class_counts: Tensor) -> Loss:
        if self.fault == "builds":
            return NoLoss()  # type: ignore[return-value]
        return Faulty(self.fault)


class NoLoss(nn.Module):
    """Does all that a loss does, but is none."""

    parts = ("image",)

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        return score(outputs, target, "")

    def adjust(self, logits: Tensor) -> Tensor:
        return logits

    def prior(self, class_counts: Tensor) -> Tensor:
        return class_counts.double().clamp(min=1)


class Faulty(Loss):
    """Cross-entropy of the fused and the image head, with one fault."""

    parts = ("image",)

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        return score(outputs, target, self.fault)

    def adjust(self, logits: Tensor) -> Tensor:
        return logits[:, :2] if self.fault == "adjusts" else logits


def score(outputs: Outputs, target: Tensor, fault: str) -> LossValue:
    image = outputs.part_logits["image"]
    here = torch.ones(len(image)) if fault == "missing" else outputs.present[:, 0].float()
    each = F.cross_entropy(image, target, reduction="none") * here
    if fault == "batch_permutation":
        each = each * torch.arange(len(each))
    fused = F.cross_entropy(outputs.logits, target)
    if fault == "extremes":
        picked = outputs.logits.softmax(dim=1)[torch.arange(len(target)), target]
        fused = -picked.log().mean()
    if fault == "reads_its_parts":
        fused = fused + 0 * outputs.part_logits["text"].clamp(-1, 1).mean()
    if fault == "random_state":
        torch.rand(1)
    if fault == "inputs_kept":
        outputs.logits.data.sub_(outputs.logits.data.mean(dim=1, keepdim=True))
    if fault == "states_its_prior":  # weighs classes and keeps the prior of what training saw
        fused = F.cross_entropy(outputs.logits, target, weight=torch.tensor([1.0, 2.0, 6.0]))
    total = fused + (each.detach() if fault == "gradient" else each).mean()
    return LossValue(total, {"fused": fused if fault == "scalar" else fused.detach()})


FAULTS = [
    "builds", "scalar", "extremes", "gradient", "reads_its_parts", "missing", "batch_permutation",
    "adjusts", "random_state", "inputs_kept", "states_its_prior",
]  # fmt: skip


def failing(fault: str) -> list[str]:
    return [one.name for one in check(FaultyParams(fault=fault)) if not one.ok]


def test_a_sound_loss_keeps_all_laws() -> None:
    assert failing("") == []


@pytest.mark.parametrize("law", FAULTS)
def test_a_fault_is_caught_by_its_law(law: str) -> None:
    assert law in failing(law)
