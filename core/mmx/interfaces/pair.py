"""Fusions that are defined on two modalities, and the rule by which they serve a model."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from torch import nn

from mmx.errors import PluginError, ShapeError
from mmx.interfaces.features import Features, FeatureShape
from mmx.interfaces.fusion import Fusion, FusionParams


class PairFusionParams(FusionParams):
    """Settings of a fusion of two modalities: ``build_pair`` gives its module."""

    takes: ClassVar[tuple[int, int | None]] = (2, 2)

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Paired":
        """The module of ``build_pair`` for the first modality and the second.

        Raises:
            ShapeError: there are more or fewer than two.
            PluginError: ``build_pair`` gives something else.
        """
        if len(shapes) != 2:
            raise ShapeError(
                f"{self.entry_point} fuses two modalities, got {len(shapes)}: {', '.join(shapes)}"
            )
        first, second = shapes
        pair: object = self.build_pair(shapes[first], shapes[second])
        if not isinstance(pair, PairFusion):
            raise PluginError(
                f"{self.entry_point}: build_pair() gave a {type(pair).__name__}; return an "
                "instance of a class that derives from mmx.PairFusion"
            )
        return Paired(pair, first, second)

    @abstractmethod
    def build_pair(self, first: FeatureShape, second: FeatureShape, /) -> "PairFusion":
        """Build the module for features of these widths."""


class PairFusion(nn.Module, ABC):
    """Mixes two sets of features into one.

    Attributes:
        dim: channels of the result; a head is built for it.
    """

    dim: int

    @abstractmethod
    def forward(self, first: Features, second: Features, /) -> Features:
        """Fuse [B, N, D_first] with [B, M, D_second]; all that ``mmx.Fusion`` says holds here.

        ``parts`` of the result hold the streams ``first`` and ``second``.
        """


class Paired(Fusion):
    """A fusion of two in a model: it picks the modalities by name, and names the parts by them."""

    def __init__(self, pair: PairFusion, first: str, second: str) -> None:
        super().__init__()
        self.pair = pair
        self.dim = getattr(pair, "dim", None)  # type: ignore[assignment]  # the assembler tells
        self.names = {"first": first, "second": second}

    def forward(self, features: Mapping[str, Features]) -> Features:
        """As the class says."""
        fused: Features = self.pair(features[self.names["first"]], features[self.names["second"]])
        if not isinstance(fused, Features):
            return fused  # the assembler tells what it should be
        parts = {self.names.get(name, name): part for name, part in fused.parts.items()}
        return replace(fused, parts=parts)
