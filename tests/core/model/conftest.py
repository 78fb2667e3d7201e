"""A model whose encoders, fusion and head are a few lines each."""

from collections.abc import Callable
from typing import ClassVar, Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

from mmx import (
    EncoderParams,
    Features,
    FeatureShape,
    Head,
    HeadOutput,
    HeadParams,
    ImageEncoder,
    Images,
    PairFusion,
    PairFusionParams,
)
from mmx.blocks import Softmax, fused_vector
from mmx.model import Model, assemble
from mmx.spec import ModelSpec
from mmx.spec.model import ProjectionSpec

WIDTH, CLASSES = 6, 3


class ColourParams(EncoderParams):
    """Settings of an encoder of mean colours."""

    modality: ClassVar[str] = "image"
    type: Literal["colour"] = "colour"

    def build(self) -> "Colour":
        return Colour()


class Colour(ImageEncoder):
    """[B, V, 3, H, W] -> [B, 3]."""

    shape = FeatureShape(3)

    def __init__(self) -> None:
        super().__init__()
        self.weights = {"origin": "none"}

    def forward(self, images: Images) -> Features:
        return Features.of_pooled(images.pixels.float().mean(dim=(1, 3, 4)), images.present)


class FaultyFusionParams(PairFusionParams):
    """Settings of a sum of two projections with a chosen fault."""

    type: Literal["faulty"] = "faulty"
    dim: int = Field(default=WIDTH, description="width")
    fault: str = Field(default="", description="what is wrong")

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> PairFusion:
        if self.fault == "type":
            return nn.Linear(2, 2)  # type: ignore[return-value]
        return FaultyFusion(image.dim, text.dim, self.dim, self.fault)


class FaultyFusion(PairFusion):
    """A v + B t."""

    def __init__(self, image_dim: int, text_dim: int, dim: int, fault: str) -> None:
        super().__init__()
        if fault != "no dim":
            self.dim = dim
        self.fault = fault
        self.image = nn.Linear(image_dim, dim + (fault == "width"))
        self.text = nn.Linear(text_dim + (fault == "input"), dim + (fault == "width"))
        self.norm, self.drop = nn.BatchNorm1d(image_dim), nn.Dropout()
        if fault == "asleep":
            self.drop.eval()

    def forward(self, image: Features, text: Features) -> Features:
        fused: Tensor = self.image(self.drop(self.norm(image.pooled))) + self.text(text.pooled)
        if self.fault == "tensor":
            return fused  # type: ignore[return-value]
        if self.fault == "rows":
            return Features.of_pooled(fused.mean(dim=0, keepdim=True))
        return fused_vector(
            fused, image, text, parts={"first": image.pooled, "second": text.pooled}
        )


class FaultyHeadParams(HeadParams):
    """Settings of a linear head with a chosen fault."""

    type: Literal["crooked"] = "crooked"
    fault: str = Field(default="", description="what is wrong")

    def build(self, dim: int, classes: int) -> Head:
        if self.fault == "type":
            return nn.Linear(dim, classes)  # type: ignore[return-value]
        return FaultyHead(dim, classes, self.fault)


class FaultyHead(Head):
    """W z."""

    def __init__(self, dim: int, classes: int, fault: str) -> None:
        super().__init__()
        self.fault = fault
        self.last = nn.Linear(dim, classes + (fault == "classes"))

    def forward(self, features: Features) -> HeadOutput:
        logits = self.last(features.pooled)
        return logits if self.fault == "tensor" else HeadOutput(logits)  # type: ignore[no-any-return]


@pytest.fixture
def assembled() -> Callable[..., Model]:
    """assembled(fusion="width", head="", seed=0): a model with these faults."""

    def make(*, fusion: str = "", head: str = "", seed: int = 0) -> Model:
        spec = ModelSpec.model_construct(
            encoders={"image": ColourParams(), "text": ColourParams()},
            fusion=FaultyFusionParams(fault=fusion),
            head=FaultyHeadParams(fault=head),
            projection=ProjectionSpec(dim=4),
        )
        return assemble(spec, Softmax(CLASSES), parts=["image"], seed=seed)

    return make


@pytest.fixture
def random_state() -> Tensor:
    """Global random numbers before a test."""
    return torch.get_rng_state()
