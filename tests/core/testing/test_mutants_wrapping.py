"""Mistakes in encoders that wrap one of single images: each is caught, by the law that names it."""

from collections.abc import Callable
from typing import Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

import mmx
from mmx import Features, Images
from mmx.interfaces import BackboneOutput, WrappingEncoder, WrappingParams

Failing = Callable[[mmx.Params], dict[str, str]]
Caught = Callable[[mmx.Params, str], None]
# kind of method -> mistake -> the law that says so
MISTAKES = {
    "wrapping encoder": {
        "views drawn at random": "views",
        "counts from the last view of the batch": "padding",
    },
}

NOTE = "what is wrong; empty: nothing"


class BackboneParams(mmx.EncoderParams):
    """Mean colour of one image."""

    modality = "image"
    type: Literal["colour"] = "colour"

    def build(self) -> "Backbone":
        return Backbone()


class Backbone(mmx.SingleImageEncoder):
    def __init__(self) -> None:
        super().__init__((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        self.shape, self.weights = mmx.FeatureShape(4), {"origin": "none"}
        self.layer = nn.Linear(3, 4)

    def encode(self, pixels: Tensor) -> Features:
        return Features.of_pooled(self.layer(pixels.mean(dim=(2, 3))))


class WrapperMutantParams(WrappingParams):
    """Settings of a mean over views with a chosen mistake."""

    type: Literal["wrapper_mutant"] = "wrapper_mutant"
    backbone: BackboneParams = Field(  # pyright: ignore[reportIncompatibleVariableOverride]
        default=BackboneParams(), description="the encoder of one image"
    )
    mistake: str = Field(default="", description=NOTE)

    def build(self) -> mmx.Encoder:
        return MeanOfViews(self.mistake)


class MeanOfViews(WrappingEncoder):
    def __init__(self, mistake: str) -> None:
        super().__init__(Backbone())
        self.shape, self.mistake = mmx.FeatureShape(4), mistake
        self.last = nn.Linear(4, 4)

    def views(self, images: Images) -> Images:
        if self.mistake == "views drawn at random" and self.training:
            return Images(images.pixels.flip(-1), images.mask)
        return images

    def combine(self, seen: BackboneOutput) -> Features:
        place = torch.arange(seen.mask.shape[1], device=seen.mask.device)
        weight = seen.mask.float()
        if self.mistake == "counts from the last view of the batch":
            weight = weight * (seen.mask.shape[1] - place)
        mean = (seen.pooled * weight[..., None]).sum(dim=1) / seen.mask.sum(1)[:, None].clamp(min=1)
        return Features.of_pooled(self.last(mean))


METHODS: dict[str, Callable[..., mmx.Params]] = {"wrapping encoder": WrapperMutantParams}
CASES = [(kind, *one) for kind, found in MISTAKES.items() for one in found.items()]


@pytest.mark.parametrize("kind", METHODS)
def test_the_right_ones_keep_all_laws(kind: str, failing: Failing) -> None:
    assert failing(METHODS[kind]()) == {}


@pytest.mark.parametrize(("kind", "mistake", "law"), CASES)
def test_a_mistake_is_caught_by_the_law_that_names_it(
    kind: str, mistake: str, law: str, caught: Caught
) -> None:
    caught(METHODS[kind](mistake=mistake), law)
