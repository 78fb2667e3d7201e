"""The kit catches heads that break a law, each by that law."""

from typing import Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

from mmx import Features, Head, HeadOutput, HeadParams
from mmx.testing import check


class FaultyParams(HeadParams):
    """Settings of a head with a chosen fault."""

    type: Literal["faulty"] = "faulty"
    fault: str = Field(default="", description="law that it breaks; empty: none")

    def build(self, dim: int, classes: int) -> Head:
        if self.fault == "builds":
            return NoHead(dim, classes)  # type: ignore[return-value]
        return Faulty(dim, classes, self.fault)


class NoHead(nn.Module):
    """Does all that a head does, but is none."""

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.last = nn.Linear(dim, classes)

    def forward(self, features: Features) -> HeadOutput:
        return HeadOutput(self.last(features.pooled))


class Faulty(Head):
    """A linear probe, with one fault."""

    noise: Tensor

    def __init__(self, dim: int, classes: int, fault: str) -> None:
        super().__init__()
        self.fault = fault
        self.last = nn.Linear(dim, classes + (fault == "shapes"))
        if fault == "state":
            self.register_buffer("noise", torch.randn(classes), persistent=False)
        if fault == "seed":
            generator = torch.Generator()
            generator.seed()
            self.last.weight.data = torch.randn(classes, dim, generator=generator)
        if fault == "size":
            self.factors = {"scale": torch.ones(3, requires_grad=True)}

    def forward(self, features: Features) -> HeadOutput:
        fault = self.fault
        pooled = features.tokens.mean(dim=1) if fault == "padding" else features.pooled
        logits = self.last(pooled.detach() if fault == "gradient" else pooled)
        if fault == "bfloat16":
            rows = torch.arange(len(logits))
            logits = torch.zeros(logits.shape).index_add(0, rows, logits)
        if fault == "batch_independence":
            logits = logits - logits.mean(dim=0)
        if fault == "random_state":
            torch.rand(1)
        if fault == "inputs_kept":
            features.tokens.data.clamp_(max=0.5)
        if fault == "state":
            logits = logits + self.noise
        penalty = logits.square().mean(dim=0)
        return HeadOutput(logits, {"size": penalty if fault == "explain" else penalty.sum()})


FAULTS = [
    "builds", "shapes", "bfloat16", "batch_independence", "padding", "gradient", "state", "seed",
    "random_state", "inputs_kept", "size", "explain",
]  # fmt: skip


def failing(fault: str) -> list[str]:
    return [one.name for one in check(FaultyParams(fault=fault)) if not one.ok]


def test_a_sound_head_keeps_all_laws() -> None:
    assert failing("") == []


@pytest.mark.parametrize("law", FAULTS)
def test_a_fault_is_caught_by_its_law(law: str) -> None:
    assert law in failing(law)
