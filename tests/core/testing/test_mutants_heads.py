"""Mistakes that authors of heads make: each is caught, by the law that names it."""

from collections.abc import Callable
from typing import Literal

import pytest
import torch
from pydantic import Field
from torch import nn

from mmx import (
    Features,
    Head,
    HeadOutput,
    HeadParams,
    Params,
)
from mmx.interfaces import HeadRows

Failing = Callable[[Params], dict[str, str]]
Caught = Callable[[Params, str], None]
# kind of method -> mistake -> the law that says so
MISTAKES = {
    "head": {
        "mean over padding, head": "padding",
        "input changed, head": "inputs_kept",
        "parameter never used, head": "learns",
        "batch norm, head": "batch_statistics",
        "tensor made in main memory, head": "device",
        "running count not saved, head": "state",
        "fitted at random": "fitted",
        "says that it is fitted and is not": "fitted",
    },
}


class HeadMutantParams(HeadParams):
    """Settings of a linear probe with a chosen mistake."""

    type: Literal["mutant_head"] = "mutant_head"
    mistake: str = Field(default="", description="what is wrong; empty: nothing")

    def build(self, dim: int, classes: int) -> Head:
        return Probe(dim, classes, self.mistake)


class Probe(Head):
    """One linear layer."""

    def __init__(self, dim: int, classes: int, mistake: str) -> None:
        super().__init__()
        self.mistake, self.last, self.steps = mistake, nn.Linear(dim, classes), 0
        self.norm = nn.BatchNorm1d(dim) if mistake.startswith("batch norm") else nn.Identity()
        if mistake.startswith("parameter"):
            self.idle = nn.Parameter(torch.zeros(3))
        self.fits_first = "fitted" in mistake

    def fit(self, rows: HeadRows) -> None:
        with torch.no_grad():
            if self.mistake == "fitted at random":
                self.last.weight.copy_(torch.randn(self.last.weight.shape))
            else:
                self.last.weight.zero_()
                self.last.bias.zero_()

    def forward(self, features: Features) -> HeadOutput:
        x, mistake = features.pooled, self.mistake.removesuffix(", head")
        if mistake == "mean over padding":
            x = features.tokens.mean(dim=1)
        if mistake == "input changed" and not x.requires_grad:
            x.masked_fill_(~features.present[:, None], 0)
        if mistake == "tensor made in main memory":
            x = x + torch.zeros(x.shape)
        if mistake == "running count not saved":
            self.steps += self.training
            x = x / (1 + self.steps)
        if len(x) > 1 or not self.training:
            x = self.norm(x)
        return HeadOutput(self.last(x))


METHODS: dict[str, Callable[..., Params]] = {"head": HeadMutantParams}
CASES = [(kind, *one) for kind, found in MISTAKES.items() for one in found.items()]


@pytest.mark.parametrize("kind", METHODS)
def test_the_right_ones_keep_all_laws(kind: str, failing: Failing) -> None:
    assert failing(METHODS[kind]()) == {}


@pytest.mark.parametrize(("kind", "mistake", "law"), CASES)
def test_a_mistake_is_caught_by_the_law_that_names_it(
    kind: str, mistake: str, law: str, caught: Caught
) -> None:
    caught(METHODS[kind](mistake=mistake), law)
