"""Fusions of API 1, which take the features of an image and of a text, as fusions by name."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from mmx.errors import ShapeError
from mmx.interfaces import (
    IMAGE,
    TEXT,
    DecisionFusion,
    Features,
    FeatureShape,
    Fusion,
    FusionParams,
    Params,
)
from mmx.plugins.api1.named_as import named_as

TWO = (IMAGE, TEXT)


def takes_two(params: type[Params]) -> bool:
    """Whether ``build`` of a fusion asks for two shapes, as in API 1, and not for a mapping."""
    if not issubclass(params, FusionParams):
        return False
    return len(inspect.signature(params.build).parameters) == 1 + len(TWO)


def fusion_by_name(params: type[FusionParams]) -> type[FusionParams]:
    """A class of settings like that of API 1 which is given its features by name.

    Args:
        params: whose ``build`` takes the shapes of image and text.
    """

    class ByName(params):  # type: ignore[valid-type, misc]  # a class that is computed
        takes: ClassVar[tuple[int, int | None]] = (2, 2)

        def used(self, names: Sequence[str]) -> tuple[str, ...]:
            """Those of its ``sides`` that the model has."""
            return tuple(name for name in names if name in getattr(self, "sides", TWO))

        def build(self, shapes: Mapping[str, FeatureShape]) -> Any:
            """The module of API 1 behind one that picks image and text by name."""
            if set(shapes) != set(TWO):
                raise ShapeError(
                    f"{self.entry_point} is written for plugin API 1, which knows the modalities "
                    f"image and text; the model has {', '.join(shapes)}"
                )
            of_two: Any = super().build  # that of API 1 has another signature
            return _by_name(of_two(shapes[IMAGE], shapes[TEXT]))

    return named_as(params, ByName)


def _by_name(module: object) -> object:
    """What the assembler can use; what is no fusion stays as it is, for the assembler to tell."""
    if isinstance(module, DecisionFusion):
        return DecisionsOfTwo(module)
    return FusionOfTwo(module) if isinstance(module, Fusion) else module


class FusionOfTwo(Fusion):
    """Picks image and text by name."""

    def __init__(self, two: nn.Module) -> None:
        super().__init__()
        self.two = two
        self.dim = getattr(two, "dim", None)  # type: ignore[assignment]  # the assembler tells

    def forward(self, features: Mapping[str, Features]) -> Features:
        """As the fusion of API 1."""
        fused: Features = self.two(features[IMAGE], features[TEXT])
        return fused


class DecisionsOfTwo(DecisionFusion):
    """Picks image and text by name."""

    def __init__(self, two: DecisionFusion) -> None:
        super().__init__()
        self.two = two

    def combine(self, log_probs: Mapping[str, Tensor], present: Tensor) -> Tensor:
        """As the fusion of API 1: [B, C] and [B, C] -> [B, C], which are logits as well."""
        columns = [list(log_probs).index(name) for name in TWO]
        combine: Any = self.two.combine  # that of API 1 has another signature
        mixed: Tensor = combine(log_probs[IMAGE], log_probs[TEXT], present[:, columns])
        return mixed
