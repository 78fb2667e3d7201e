"""The law of views catches a wrapping encoder whose views are not what they promise."""

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

import mmx
from mmx.interfaces import BackboneOutput, WrappingEncoder, WrappingParams
from mmx.testing import check


class Backbone(mmx.SingleImageEncoder):
    """Mean colour."""

    def __init__(self) -> None:
        super().__init__((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        self.shape, self.weights = mmx.FeatureShape(4), {"origin": "random"}
        self.layer = nn.Linear(3, 4)

    def encode(self, pixels: Tensor) -> mmx.Features:
        return mmx.Features.of_pooled(self.layer(pixels.mean(dim=(2, 3))))


class BackboneParams(mmx.EncoderParams):
    """Settings of it."""

    modality = "image"
    type: Literal["mean_colour"] = "mean_colour"

    def build(self) -> mmx.Encoder:
        return Backbone()


class Wrapper(WrappingEncoder):
    """Shows the image as it is, with one fault."""

    def __init__(self, fault: str) -> None:
        super().__init__(Backbone())
        self.shape, self.fault = mmx.FeatureShape(4), fault
        self.recipe = "noise" if fault == "random" else ""

    def views(self, images: mmx.Images) -> mmx.Images:
        pixels = images.pixels
        if self.fault == "mask":
            return mmx.Images(pixels, torch.ones_like(images.mask))
        if self.fault == "recipe":
            pixels = 255 - pixels
        if self.fault == "random" and self.training:
            pixels = pixels.flip(-1)
        return mmx.Images(pixels, images.mask)

    def combine(self, seen: BackboneOutput) -> mmx.Features:
        return mmx.Features.of_pooled(seen.pooled.sum(dim=1))


class WrapperParams(WrappingParams):
    """Settings of it."""

    type: Literal["faulty_wrapper"] = "faulty_wrapper"
    backbone: BackboneParams = BackboneParams()  # pyright: ignore[reportIncompatibleVariableOverride]
    fault: str = ""

    def build(self) -> mmx.Encoder:
        return Wrapper(self.fault)


@pytest.mark.parametrize("fault", ["", "mask", "recipe", "random"])
def test_the_law_of_views_fails_exactly_with_a_fault(fault: str) -> None:
    results = {one.name: one for one in check(WrapperParams(fault=fault))}
    assert results["views"].ok == (not fault), results["views"].detail
    assert results["frozen"].ok
