"""Mistakes that authors of fusions of two make: each is caught, by the law that names it."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

from mmx import (
    Features,
    FeatureShape,
    PairFusion,
    PairFusionParams,
    Params,
)
from mmx.blocks import fused_vector, real_pooled
from mmx.testing import check

Failing = Callable[[Params], dict[str, str]]
Caught = Callable[[Params, str], None]
# kind of method -> mistake -> the law that says so
MISTAKES = {
    "fusion": {
        "mean over image padding": "padding",
        "last image token": "padding",
        "mean over text padding": "padding",
        "first text token, masked or not": "padding",
        "batch width as a number": "padding",
        "input changed where a modality is missing": "inputs_kept",
        "mask changed in training": "inputs_kept",
        "levels where there are some": "declared",
        "levels always": "declared",
        "tokens undeclared": "declared",
        "seeds torch in forward": "random_state",
        "seeds numpy in forward": "random_state",
        "turns gradients off": "random_state",
        "parameter never used": "learns",
        "running mean that is not saved": "state",
        "count of steps in an attribute": "state",
        "batch norm": "batch_statistics",
        "mean over the batch in training": "batch_statistics",
        "tensor made in main memory": "device",
        "plain tensor": "device",
        "always present": "present",
        "missing modality gets through": "missing",
        "width of the image taken for the text": "shapes",
        "other width than dim": "shapes",
        "fails in training mode": "trains",
        "setting never read": "settings_read",
        "positions of joined modalities counted": "absent_joined",
        "first real token of joined modalities": "order_of_joined",
    },
}


class MutantParams(PairFusionParams):
    """Settings of a sum of two maps with a chosen mistake."""

    type: Literal["mutant"] = "mutant"
    mistake: str = Field(default="", description="what is wrong; empty: nothing")

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"} if "undeclared" in self.mistake else {"pooled", "tokens"})

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> PairFusion:
        return Sum(image.dim, text.dim, self.dim, self.mistake)


class IdleParams(MutantParams):
    idle: float = Field(default=0.5, description="a number that nobody reads")


class Sum(PairFusion):
    """A v + B t."""

    def __init__(self, image: int, text: int, dim: int, mistake: str) -> None:
        super().__init__()
        self.mistake, self.dim, self.steps = mistake, dim, 0
        self.a = nn.Linear(image, dim + (mistake == "other width than dim"))
        given = image if mistake.startswith("width of the image") else text
        self.b = nn.Linear(given, self.a.out_features)
        if mistake == "parameter never used":
            self.idle = nn.Linear(image, 4)
        if mistake == "batch norm":
            self.norm = nn.BatchNorm1d(image)
        if mistake == "plain tensor":
            self.scale = torch.ones(image)
        self.register_buffer("mean", torch.zeros(image), persistent=False)

    def forward(self, image: Features, text: Features) -> Features:
        v = real_pooled(image)
        t = real_pooled(text)
        change = CHANGES.get(self.mistake)
        if change is not None:
            v, t = change(self, v, t, image, text)
        fused = fused_vector(self.a(v) + self.b(t), image, text, parts={"first": v, "second": t})
        if self.mistake == "always present":
            return Features(fused.tokens, fused.mask, fused.pooled, parts=fused.parts)
        return fused


Change = Callable[[Any, Tensor, Tensor, Features, Features], tuple[Tensor, Tensor]]
CHANGES: dict[str, Change] = {}


def change(mistake: str) -> Callable[[Change], Change]:
    def kept(work: Change) -> Change:
        CHANGES[mistake] = work
        return work

    return kept


def present(side: Features, vector: Tensor) -> Tensor:
    return vector.masked_fill(~side.present[:, None], 0)


@change("mean over image padding")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    return present(image, image.tokens.mean(dim=1)), t


@change("last image token")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    return present(image, image.tokens[:, -1]), t


@change("mean over text padding")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    return v, present(text, text.tokens.mean(dim=1))


@change("first text token, masked or not")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    return v, present(text, text.tokens[:, 0])


@change("batch width as a number")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    return v, t / text.mask.shape[1]


@change("input changed where a modality is missing")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    if not image.pooled.requires_grad:
        image.pooled.masked_fill_(~image.present[:, None], 0)
    return v, t


@change("mask changed in training")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    if self.training:
        image.mask[:, -1] = True
    return v, t


@change("levels where there are some")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    return (present(image, image.levels[0].pooled) if image.levels else v), t


@change("levels always")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    return present(image, image.levels[0].pooled), t


@change("tokens undeclared")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    kept = image.tokens.masked_fill(~image.mask[..., None], 0)
    return present(image, kept.sum(dim=1)), t


@change("seeds torch in forward")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return v, t


@change("seeds numpy in forward")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    np.random.seed(0)
    return v, t


@change("turns gradients off")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    torch.set_grad_enabled(False)
    return v, t


@change("running mean that is not saved")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    if self.training:
        self.mean = 0.9 * self.mean + 0.1 * v.detach().mean(dim=0)
    return v - self.mean * image.present[:, None], t


@change("count of steps in an attribute")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    self.steps += self.training
    return v / (1 + self.steps), t


@change("batch norm")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    return present(image, self.norm(v)) if len(v) > 1 or not self.training else v, t


@change("mean over the batch in training")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    return (v - v.mean(dim=0) if self.training else v), t


@change("tensor made in main memory")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    return v * torch.linspace(1, 2, v.shape[1]), t


@change("plain tensor")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    return v * self.scale, t


@change("missing modality gets through")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    return image.pooled, t


@change("fails in training mode")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    if self.training and len(v) == 4:
        raise RuntimeError("a batch of four")
    return v, t


@change("positions of joined modalities counted")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    return v, t * text.tokens.shape[1]


@change("first real token of joined modalities")
def _(self: Any, v: Tensor, t: Tensor, image: Features, text: Features) -> tuple[Tensor, Tensor]:
    first = text.mask.int().argmax(dim=1)[:, None, None]
    tokens = text.tokens.masked_fill(~text.mask[..., None], 0)
    return v, present(text, tokens.take_along_dim(first, dim=1)[:, 0])


def mutant(mistake: str = "") -> MutantParams:
    return IdleParams() if mistake == "setting never read" else MutantParams(mistake=mistake)


METHODS: dict[str, Callable[..., Params]] = {"fusion": mutant}
CASES = [(kind, *one) for kind, found in MISTAKES.items() for one in found.items()]


@pytest.mark.parametrize("kind", METHODS)
def test_the_right_ones_keep_all_laws(kind: str, failing: Failing) -> None:
    assert failing(METHODS[kind]()) == {}


@pytest.mark.parametrize(("kind", "mistake", "law"), CASES)
def test_a_mistake_is_caught_by_the_law_that_names_it(
    kind: str, mistake: str, law: str, caught: Caught
) -> None:
    caught(METHODS[kind](mistake=mistake), law)


@pytest.mark.parametrize(
    "mistake", ["width of the image taken for the text", "other width than dim"]
)
def test_what_cannot_run_fails_one_law_with_its_place_and_stops(mistake: str) -> None:
    results = check(MutantParams(mistake=mistake))
    (failed,) = [one for one in results if one.status == "failed"]
    stopped = [one for one in results if one.status == "not run"]
    assert len(stopped) > 10
    assert all(one.detail == f"comes after {failed.name}, which fails" for one in stopped)
    assert failed.name == "shapes"
    assert "\n" not in failed.detail
