"""Fusions: from the features of two modalities to one."""

from abc import ABC, abstractmethod
from typing import ClassVar

from pydantic import Field, PositiveInt
from torch import Tensor, nn

from mmx.interfaces.features import Features, FeatureShape
from mmx.interfaces.params import Params


class FusionParams(Params):
    """Settings of a fusion; ``dim`` is the width of fusions that choose one."""

    kind: ClassVar[str] = "fusion"
    equal_widths: ClassVar[bool] = False  # True: image and text must have the same width
    sides: ClassVar[tuple[str, ...]] = ("image", "text")  # an encoder it never reads never runs

    dim: PositiveInt = Field(default=256, description="width of the result, channels")

    @property
    def reads(self) -> frozenset[str]:
        """What it looks at: any of ``pooled``, ``tokens``, ``levels``. Only that is cached."""
        return frozenset({"pooled", "tokens"})

    @abstractmethod
    def build(self, image: FeatureShape, text: FeatureShape) -> "Fusion | DecisionFusion":
        """Build the module for features of these widths."""


class Fusion(nn.Module, ABC):
    """Mixes image and text features into one set of features.

    Attributes:
        dim: channels of the result; a head is built for it.
    """

    dim: int

    @abstractmethod
    def forward(self, image: Features, text: Features) -> Features:
        """Fuse [B, N, D_image] with [B, M, D_text].

        A row whose ``present`` is False never lets the content of that side through, and a row of
        which no side is present is not present in the result. What stands at masked places never
        matters, wherever they are. Nothing is changed in place. ``parts`` of the result hold the
        streams ``image`` and ``text``.
        """


class DecisionFusion(nn.Module, ABC):
    """Mixes decisions: the assembler builds one head per modality and mixes their logits here."""

    @abstractmethod
    def combine(self, image_logits: Tensor, text_logits: Tensor, present: Tensor) -> Tensor:
        """Mix two sets of logits.

        Args:
            image_logits: [B, C].
            text_logits: [B, C].
            present: [B, 2], bool: image, text.

        Returns:
            [B, C], logits or log-probabilities.
        """
