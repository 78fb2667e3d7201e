"""A tower without its projection, and what all towers share."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from mmx.errors import WeightsError


class Trunk(nn.Module, ABC):
    """What stands in front of the projection.

    Attributes:
        dim: width of tokens and of the pooled vector.
        level_dims: widths of the levels before the last one.
    """

    dim: int
    level_dims: tuple[int, ...]

    @abstractmethod
    def take_projection(self) -> nn.Module:
        """Take the projection off and give it."""

    @abstractmethod
    def last_stage(self) -> Iterable[nn.Module]:
        """The last block or stage, and what stands behind it."""


class ImageTrunk(Trunk):
    """Of images."""

    @abstractmethod
    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
        """Tokens [B, N, D], pooled [B, D] and earlier levels of normalised pixels [B, 3, H, W]."""


class TextTrunk(Trunk):
    """Of texts.

    Attributes:
        vocabulary: how many ids it knows.
    """

    vocabulary: int

    @abstractmethod
    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
        """Tokens [B, N, D], pooled [B, D] and earlier levels of ids and mask [B, N]."""


AnyTrunk = TypeVar("AnyTrunk", ImageTrunk, TextTrunk)


@dataclass(frozen=True)  # slots and a generic class do not go together before Python 3.12
class Tower(Generic[AnyTrunk]):
    """A tower with its weights.

    Attributes:
        trunk: gives tokens, a pooled vector and levels.
        projection: into the space that images and texts share.
        width: of that space.
        record: where the weights came from.
        notes: sentences on prefixes that were taken off.
    """

    trunk: AnyTrunk
    projection: nn.Module
    width: int
    record: dict[str, str]
    notes: tuple[str, ...]


def depths(fractions: Sequence[float], layers: int) -> list[int]:
    """Layers at these shares of the depth, counted from one; the last one is none of them.

    Raises:
        WeightsError: a share is outside of (0, 1].
    """
    if any(not 0 < fraction <= 1 for fraction in fractions):
        raise WeightsError(f"fractions must lie in (0, 1], got {list(fractions)}")
    found = [max(1, round(fraction * layers)) for fraction in fractions]
    return [depth for depth in found if depth < layers]


def linear_of(matrix: Tensor | nn.Linear | None) -> nn.Module:
    """A layer that multiplies by a matrix [D_in, D_out] from the right."""
    if matrix is None:
        return nn.Identity()
    if isinstance(matrix, nn.Linear):
        return matrix
    layer = nn.Linear(matrix.shape[0], matrix.shape[1], bias=False)
    with torch.no_grad():
        layer.weight.copy_(matrix.T)
    return layer
