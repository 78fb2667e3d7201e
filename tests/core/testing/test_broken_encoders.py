"""The kit catches broken encoders and inference hooks, each by its law."""

from collections.abc import Callable
from itertools import count
from typing import Literal

import pytest
import torch
from pydantic import Field
from torch import nn

from mmx import (
    Batch,
    Encoder,
    EncoderParams,
    Features,
    FeatureShape,
    ImageEncoder,
    Images,
    InferenceHook,
    InferenceParams,
    Params,
    Prediction,
)
from mmx.testing import check

NUMBERS = count()


class FaultyEncoder(EncoderParams):
    """Settings of an image encoder with a chosen fault."""

    modality = "image"

    type: Literal["faulty"] = "faulty"
    fault: str = Field(default="", description="law that it breaks; empty: none")

    def build(self) -> Encoder:
        return Colours(self.fault)


class TextPromised(FaultyEncoder):
    modality = "text"


class Colours(ImageEncoder):
    """Projects the mean colour, with one fault."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault
        self.shape = FeatureShape(9 if fault == "shapes" else 8)
        self.weights = {} if fault == "provenance" else {"source": "random"}
        self.project = nn.Linear(3, 8)

    def forward(self, images: Images) -> Features:
        seen = images.pixels.float().mean(dim=(3, 4)) / 255 * images.mask[..., None]
        pooled = self.project(seen.sum(dim=1) / images.mask.sum(dim=1)[:, None].clamp(min=1))
        if self.fault == "batch_independence":
            pooled = pooled - pooled.mean(dim=0)
        if self.fault == "frozen" and self.training:
            pooled = pooled + 1
        if self.fault == "random_state":
            torch.rand(1)
        present = None if self.fault == "presence" else images.present
        return Features.of_pooled(pooled, present)


class FaultyHook(InferenceParams):
    """Settings of an inference hook with a chosen fault."""

    type: Literal["faulty"] = "faulty"
    fault: str = Field(default="", description="law that it breaks; empty: none")

    def build(self) -> InferenceHook:
        hook = Passing(self.fault)
        return NoHook(hook) if self.fault == "builds" else hook  # type: ignore[return-value]


class Passing(InferenceHook):
    """Hands on what is inside, with one fault."""

    def __init__(self, fault: str) -> None:
        self.fault, self.number = fault, next(NUMBERS)

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        log_probs = next(batch).log_probs
        if self.fault == "normalised":
            log_probs = log_probs / 2
        if self.fault == "repeats":
            log_probs = (log_probs * (1 + self.number)).log_softmax(dim=1)
        if self.fault == "inputs_kept":
            images = batch.inputs["image"]
            assert isinstance(images, Images)
            images.pixels.zero_()
        return Prediction(log_probs)


class NoHook:
    """Does all that a hook does, but is none."""

    def __init__(self, inner: Passing) -> None:
        self.fit, self.predict = inner.fit, inner.predict


ENCODER_FAULTS = [
    "shapes",
    "presence",
    "batch_independence",
    "frozen",
    "random_state",
    "provenance",
]
HOOK_FAULTS = ["builds", "normalised", "repeats", "inputs_kept"]


def failing(params: Params) -> list[str]:
    return [one.name for one in check(params) if not one.ok]


def test_sound_methods_keep_all_laws() -> None:
    assert failing(FaultyEncoder()) == []
    assert failing(FaultyHook()) == []


@pytest.mark.parametrize("law", ENCODER_FAULTS)
def test_a_fault_of_an_encoder_is_caught_by_its_law(law: str) -> None:
    # a width other than promised is told when it is first tried
    assert (law if law != "shapes" else "builds") in failing(FaultyEncoder(fault=law))


def test_an_encoder_of_another_modality_than_promised_is_caught() -> None:
    assert failing(TextPromised()) == ["builds"]


@pytest.mark.parametrize("law", HOOK_FAULTS)
def test_a_fault_of_a_hook_is_caught_by_its_law(law: str) -> None:
    assert law in failing(FaultyHook(fault=law))
