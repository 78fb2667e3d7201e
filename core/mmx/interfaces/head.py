"""Heads: from features to logits."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
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


@dataclass(frozen=True, slots=True)
class HeadRows:
    """Rows to which a head fits itself before training begins, and how its outputs are judged.

    Attributes:
        train: [n, D], float64, pooled features of training rows as the head reads them.
        validation: [m, D], the same of validation rows; m may be 0.
        loss: of outputs [n, R] for the training rows, float64: the mean negative log likelihood,
            a scalar. Classes weigh so that answers are for the shares that those of the spec are
            for: all alike where its loss rebalances them.
        quality: of outputs [m, R] for the validation rows, the score that chooses the best epoch;
            higher is better.
    """

    train: Tensor
    validation: Tensor
    loss: Callable[[Tensor], Tensor]
    quality: Callable[[Tensor], float]


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
    """Classifies features.

    Attributes:
        fits_first: whether it is to be fitted before training begins; what it is then counts as
            epoch 0, which is kept where no later epoch is better on validation.
    """

    fits_first: bool = False

    def fit(self, rows: HeadRows) -> None:
        """Start from these rows; asked of heads that say ``fits_first``, and once per training."""

    @abstractmethod
    def forward(self, features: Features) -> HeadOutput:
        """Logits [B, C] from pooled [B, D] or tokens [B, N, D] and mask."""
