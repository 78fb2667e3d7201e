"""Heads: from features to logits."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor, nn

from mmx.interfaces.features import Features
from mmx.interfaces.params import Params


@dataclass(frozen=True, slots=True)
class HeadOutput:
    """Result of a head.

    Attributes:
        logits: [B, C], unnormalised.
        penalties: scalars that are added to the loss, already weighted.
        explain: weights and the like to look at; detached, first axis B.
    """

    logits: Tensor
    penalties: Mapping[str, Tensor] = field(default_factory=dict)
    explain: Mapping[str, Tensor] = field(default_factory=dict)


class HeadParams(Params):
    """Settings of a head."""

    kind: ClassVar[str] = "head"

    @property
    def gives_cosines(self) -> bool:
        """Whether its logits are cosines, times a factor, as some losses need them."""
        return False

    @abstractmethod
    def build(self, dim: int, classes: int) -> "Head":
        """Build the head for features of ``dim`` channels and ``classes`` outputs.

        A head has as many outputs as the link of loss and task reads: one for each class or label,
        or a single one on which ordered levels lie.
        """


class Head(nn.Module, ABC):
    """Classifies features."""

    @abstractmethod
    def forward(self, features: Features) -> HeadOutput:
        """Logits [B, C] from pooled [B, D] or tokens [B, N, D] and mask."""
