"""Fusions: from the features of the modalities of a model to one set of features."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import Field, PositiveInt
from torch import Tensor, nn

from mmx.interfaces.features import Features, FeatureShape
from mmx.interfaces.params import Params


class FusionParams(Params):
    """Settings of a fusion; ``dim`` is the width of fusions that choose one.

    Attributes:
        takes: how many modalities it fuses, least and most; None: any number.
        equal_widths: whether all that it looks at must have the same width.
    """

    kind: ClassVar[str] = "fusion"
    takes: ClassVar[tuple[int, int | None]] = (2, None)
    equal_widths: ClassVar[bool] = False

    dim: PositiveInt = Field(default=256, description="width of the result, channels")

    @property
    def reads(self) -> frozenset[str]:
        """What it looks at: any of ``pooled``, ``tokens``, ``levels``. Only that is cached."""
        return frozenset({"pooled", "tokens"})

    @property
    def reads_prior(self) -> bool:
        """Whether it needs a loss that states for which class shares its answers are."""
        return False

    def used(self, names: Sequence[str]) -> tuple[str, ...]:
        """The modalities that it looks at; an encoder that it never reads never runs.

        Args:
            names: of all modalities, in the order of the spec.
        """
        return tuple(names)

    def check_modalities(self, names: Sequence[str]) -> None:
        """Refuse a model that its settings do not fit: a name that is none, too many, and so on.

        Args:
            names: of all modalities, in the order of the spec.

        Raises:
            ShapeError: says what there is instead; told at the line of ``model.fusion``.
        """

    @abstractmethod
    def build(self, shapes: Mapping[str, FeatureShape]) -> "Fusion | DecisionFusion":
        """Build the module for features of these widths, by modality, in the order of the spec."""


class Fusion(nn.Module, ABC):
    """Mixes the features of several modalities into one set of features.

    Attributes:
        dim: channels of the result; a head is built for it.
    """

    dim: int

    @abstractmethod
    def forward(self, features: Mapping[str, Features]) -> Features:
        """Fuse features [B, N_m, D_m], one for each modality m it was built for, in that order.

        A row whose ``present`` is False never lets the content of that modality through, and a row
        of which no modality is present is not present in the result. What stands at masked places
        never matters, wherever they are. Nothing is changed in place. ``parts`` of the result hold
        the stream of each modality by its name.
        """


class DecisionFusion(nn.Module, ABC):
    """Mixes decisions: each modality has a head of its own, and what they say is mixed here.

    Decisions are log-probabilities: [B, C] of classes or levels, [B, L, 2] of several labels, each
    absent and present. So one rule serves every task: it mixes along the last axis.
    """

    def start(self, prior: Tensor) -> None:
        """Take the class shares that the decisions are for; most fusions need none.

        Args:
            prior: [C] or [L, 2], float64, the last axis sums to 1: what training saw, as the loss
                changes it.
        """

    @abstractmethod
    def combine(self, log_probs: Mapping[str, Tensor], present: Tensor) -> Tensor:
        """Mix the decisions of all modalities.

        Args:
            log_probs: [B, C] or [B, L, 2] by modality, in the order of the spec.
            present: [B, M], bool, one column for each of ``log_probs``.

        Returns:
            Of the same shape as one of them; need not be normalised along the last axis.
        """
