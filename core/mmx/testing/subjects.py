"""Fusions and heads as the laws of modules see them: built from a seed, fed and read alike."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import combinations
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from mmx.errors import ShapeError
from mmx.interfaces import DecisionFusion, Features, FeatureShape, FusionParams, HeadParams
from mmx.testing.law import LawError, demand
from mmx.testing.samples import LENGTH, ROWS, features

IMAGE, TEXT = FeatureShape(32, (32,) * 3, grid=True), FeatureShape(48, (48,) * 3)
OTHERS = ("record", "history", "waveform", "second_image", "second_text", "spectrum")
# others are as wide as the text, with which a fusion of two joins them
SHAPES = {"image": IMAGE, "text": TEXT, **dict.fromkeys(OTHERS, FeatureShape(48, (48, 48)))}
CLASSES = 3
Inputs = tuple[Features, ...]
T = TypeVar("T")


class Subject(ABC):
    """One method under test."""

    modalities: tuple[str, ...]  # names of the inputs
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
    def call(self, module: nn.Module, inputs: Inputs) -> Any:
        """What the module itself gives."""

    @abstractmethod
    def outputs(self, module: nn.Module, inputs: Inputs) -> dict[str, Tensor]:
        """What the module gives, first axis B; ``result`` is what comes after it."""

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
    """A fusion of some modalities; one of decisions gets the pooled vectors as logits."""

    modalities: tuple[str, ...]

    def __init__(self, params: FusionParams, modalities: Sequence[str] | None = None) -> None:
        self.modalities = tuple(modalities or modalities_of(params)[0])
        self.params, self.names = params, params.used(self.modalities)
        # as the assembler does it: levels are for those that read them
        levels = "levels" in params.reads
        wide = {name: IMAGE if params.equal_widths else SHAPES[name] for name in self.modalities}
        self.shapes = {
            name: FeatureShape(one.dim, one.level_dims if levels else (), SHAPES[name].grid)
            for name, one in wide.items()
        }

    def make(self) -> nn.Module:
        """Build the fusion."""
        built = self.params.build(self.shapes)
        if isinstance(built, DecisionFusion):  # decisions have as many classes everywhere
            self.shapes = dict.fromkeys(self.modalities, FeatureShape(IMAGE.dim))
        return built

    def named(self, values: Sequence[T]) -> dict[str, T]:
        """Values by modality."""
        return dict(zip(self.modalities, values, strict=True))

    def inputs(self, rows: int = ROWS, length: int = LENGTH, *, grad: bool = False) -> Inputs:
        """Four image tokens, and tokens of this length of all others."""
        return tuple(
            features(self.shapes[name], rows, 4 if name == "image" else length, seed=k, grad=grad)
            for k, name in enumerate(self.modalities, start=1)
        )

    def whole(self) -> Inputs:
        """Inputs with levels, whether they are read or not."""
        deep = {n: FeatureShape(one.dim, SHAPES[n].level_dims) for n, one in self.shapes.items()}
        return tuple(
            features(deep[name], ROWS, 4 if name == "image" else LENGTH, seed=k)
            for k, name in enumerate(self.modalities, start=1)
        )

    def lacking(self, inputs: Inputs) -> Inputs:
        """Rows 0, 1 and 2 lack one modality each, row 3 has none."""
        rows = torch.arange(ROWS)
        return tuple(
            one.with_present((rows != k % 3) & (rows != 3)) for k, one in enumerate(inputs)
        )

    def patterns(self, *, grad: bool = False) -> Inputs:
        """Inputs of as many rows as there are sets of present modalities, each of another."""
        rows = torch.arange(2 ** len(self.modalities))
        inputs = self.inputs(len(rows), grad=grad)
        return tuple(one.with_present((rows >> k) % 2 == 1) for k, one in enumerate(inputs))

    def fuse(self, module: nn.Module, inputs: Inputs) -> Features:
        """The fused features."""
        if isinstance(module, DecisionFusion):
            present = torch.stack([one.present for one in inputs], dim=1)
            decided = self.named([one.pooled.log_softmax(dim=-1) for one in inputs])
            return Features.of_pooled(module.combine(decided, present))
        fused = self.call(module, inputs)
        demand(isinstance(fused, Features), f"forward must give Features, got {type(fused)}")
        return fused  # type: ignore[no-any-return]

    def call(self, module: nn.Module, inputs: Inputs) -> Any:
        """What a fusion of features gives."""
        return module(self.named(inputs))

    def outputs(self, module: nn.Module, inputs: Inputs) -> dict[str, Tensor]:
        """The pooled result and all parts."""
        fused = self.fuse(module, inputs)
        parts = {f"part {name}": part for name, part in fused.parts.items()}
        return {"result": fused.pooled, **parts}


def modalities_of(params: FusionParams) -> list[tuple[str, ...]]:
    """Sets of modalities that a fusion is tried with: two, then one and three, as it takes them."""
    least, most = params.takes
    counts = [n for n in (2, 1, 3) if least <= n and (most is None or n <= most)] or [least]
    found = [next(filter(partial(_takes, params), combinations(SHAPES, n)), None) for n in counts]
    return [one for one in found if one is not None] or [tuple(SHAPES)[: counts[0]]]


@contextmanager
def of_modalities(names: Sequence[str]) -> Iterator[None]:
    """Say in a failure of a law with how many modalities it came, where these are not two."""
    try:
        yield
    except LawError as error:
        if len(names) == 2:
            raise
        count = "one modality" if len(names) == 1 else f"{len(names)} modalities"
        raise LawError(f"with {count}: {error}") from error


def _takes(params: FusionParams, names: tuple[str, ...]) -> bool:
    """Whether a fusion can look at these: some read one modality by its name."""
    try:
        params.check_modalities(names)
    except ShapeError:
        return False
    return True


class HeadSubject(Subject):
    """A head on features of one set."""

    modalities = ("features",)
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

    def call(self, module: nn.Module, inputs: Inputs) -> Any:
        """What the head gives."""
        return module(*inputs)

    def outputs(self, module: nn.Module, inputs: Inputs) -> dict[str, Tensor]:
        """The logits."""
        return {"result": self.call(module, inputs).logits}
