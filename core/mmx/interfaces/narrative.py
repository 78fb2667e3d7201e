"""Narratives: the text of a sample."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

from torch import Tensor

from mmx.interfaces.dataset import Sample
from mmx.interfaces.params import Params


class FeatureSource(Protocol):
    """Gives the frozen image features of samples."""

    def pooled(self, samples: Sequence[Sample]) -> Tensor:
        """[B, D], float32."""
        ...


class NarrativeParams(Params):
    """Settings of a narrative."""

    kind: ClassVar[str] = "narrative"
    needs_features: ClassVar[bool] = False
    needs_label: ClassVar[bool] = False  # True runs only under a written audit waiver

    @abstractmethod
    def build(self, features: FeatureSource | None) -> "Narrative":
        """Build the writer; ``features`` is given when ``needs_features`` is set."""


class Narrative(ABC):
    """Writes one text per sample; sees no label and no leaking column."""

    def fit(self, train: Sequence[Sample]) -> None:  # noqa: B027 - most narratives learn nothing
        """Learn from the training part only."""

    @abstractmethod
    def write(self, sample: Sample) -> str:
        """The text of a sample; empty when it has none."""
