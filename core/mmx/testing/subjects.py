"""Fusions and heads as the laws of modules see them: built from a seed, fed and read alike."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn

from mmx.interfaces import DecisionFusion, Features, FeatureShape, FusionParams, HeadParams
from mmx.testing.law import demand
from mmx.testing.samples import LENGTH, ROWS, features

IMAGE, TEXT = FeatureShape(32, (32, 32, 32)), FeatureShape(48, (48, 48, 48))
CLASSES = 3
Inputs = tuple[Features, ...]
T = TypeVar("T")


class Subject(ABC):
    """One method under test."""

    sides: ClassVar[tuple[str, ...]]  # names of the inputs
    names: tuple[str, ...]  # of the inputs whose content must matter

    @abstractmethod
    def make(self) -> nn.Module:
        """Build the module."""

    @abstractmethod
    def inputs(self, rows: int = ROWS, length: int = LENGTH, *, grad: bool = False) -> Inputs:
        """Random inputs."""

    @abstractmethod
    def lacking(self, inputs: Inputs) -> Inputs:
        """The same inputs with some missing in some rows."""

    @abstractmethod
    def outputs(self, module: nn.Module, inputs: Inputs) -> dict[str, Tensor]:
        """What the module gives, first axis B; ``result`` is what comes after it."""

    def call(self, module: nn.Module, inputs: Inputs) -> Any:
        """What ``forward`` gives."""
        return module(*inputs)

    def build(self, seed: int = 0) -> nn.Module:
        """Build in eval mode from a seed; the global random state is as before afterwards."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.make().eval()

    def awake(self) -> nn.Module:
        """Build, and move all parameters that start at zero away from it."""
        module = self.build()
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for parameter in module.parameters():
                if not parameter.any():
                    parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
        return module


class FusionSubject(Subject):
    """A fusion; one of decisions gets the pooled vectors as logits."""

    sides = ("image", "text")

    def __init__(self, params: FusionParams) -> None:
        self.params, self.names = params, params.used(self.sides)
        wide = IMAGE, IMAGE if params.equal_widths else TEXT
        # as the assembler does it: levels are for those that read them
        levels = "levels" in params.reads
        self.image, self.text = wide if levels else (FeatureShape(one.dim) for one in wide)

    def make(self) -> nn.Module:
        """Build the fusion."""
        built = self.params.build(self._named((self.image, self.text)))
        if isinstance(built, DecisionFusion):
            self.text = self.image  # decisions have as many classes on both sides
        return built

    def call(self, module: nn.Module, inputs: Inputs) -> Any:
        """What ``forward`` gives for features by modality."""
        return module(self._named(inputs))

    def _named(self, values: Sequence[T]) -> dict[str, T]:
        """Values by modality."""
        return dict(zip(self.sides, values, strict=True))

    def inputs(self, rows: int = ROWS, length: int = LENGTH, *, grad: bool = False) -> Inputs:
        """Four image tokens, and text tokens of this length."""
        image = features(self.image, rows, 4, seed=1, grad=grad)
        return image, features(self.text, rows, length, seed=2, grad=grad)

    def whole(self) -> Inputs:
        """Inputs with levels, whether they are read or not."""
        pair = FeatureShape(self.image.dim, (32,) * 3), FeatureShape(self.text.dim, (48,) * 3)
        image, text = pair
        return features(image, ROWS, 4, seed=1), features(text, ROWS, LENGTH, seed=2)

    def lacking(self, inputs: Inputs) -> Inputs:
        """Rows without an image, without a text, and one without both."""
        image, text = inputs
        no_image = torch.tensor([True, False, False, True, False])
        no_text = torch.tensor([False, True, False, True, False])
        return image.with_present(~no_image), text.with_present(~no_text)

    def fuse(self, module: nn.Module, inputs: Inputs) -> Features:
        """The fused features."""
        image, text = inputs
        if isinstance(module, DecisionFusion):
            present = torch.stack([image.present, text.present], dim=1)
            logits = self._named((image.pooled, text.pooled))
            return Features.of_pooled(module.combine(logits, present))
        fused = self.call(module, inputs)
        demand(isinstance(fused, Features), f"forward must give Features, got {type(fused)}")
        return fused  # type: ignore[no-any-return]

    def outputs(self, module: nn.Module, inputs: Inputs) -> dict[str, Tensor]:
        """The pooled result and all parts."""
        fused = self.fuse(module, inputs)
        parts = {f"part {name}": part for name, part in fused.parts.items()}
        return {"result": fused.pooled, **parts}


class HeadSubject(Subject):
    """A head on features of one set."""

    sides = ("features",)
    names = ("features",)

    def __init__(self, params: HeadParams) -> None:
        self.params = params

    def make(self) -> nn.Module:
        """Build the head."""
        return self.params.build(IMAGE.dim, CLASSES)

    def inputs(self, rows: int = ROWS, length: int = LENGTH, *, grad: bool = False) -> Inputs:
        """Tokens of this length."""
        return (features(FeatureShape(IMAGE.dim), rows, length, seed=1, grad=grad),)

    def lacking(self, inputs: Inputs) -> Inputs:
        """Two rows of which nothing is present."""
        here = torch.tensor([True, False, True, False, True])
        return (inputs[0].with_present(here),)

    def outputs(self, module: nn.Module, inputs: Inputs) -> dict[str, Tensor]:
        """The logits."""
        return {"result": module(*inputs).logits}
