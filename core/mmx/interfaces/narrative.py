"""Narratives: the text of a sample."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

from torch import Tensor

from mmx.interfaces.dataset import Sample
from mmx.interfaces.modality import IMAGE
from mmx.interfaces.params import Params


class FeatureSource(Protocol):
    """Gives the frozen image features of samples."""

    def pooled(self, samples: Sequence[Sample]) -> Tensor:
        """[B, D], float32."""
        ...


class NarrativeParams(Params):
    """Settings of a narrative."""

    kind: ClassVar[str] = "narrative"

    @property
    def needs_features(self) -> bool:
        """Whether ``build`` wants the frozen image features."""
        return False

    @property
    def needs_label(self) -> bool:
        """Whether texts are written knowing the label; runs only under a written audit waiver."""
        return False

    @property
    def fields(self) -> tuple[str, ...] | None:
        """Fields of the record that texts are written from; None: whatever the record holds."""
        return None

    @property
    def named_fields(self) -> tuple[str, ...]:
        """Fields that its settings name; a spec whose data set does not give them is refused."""
        return self.fields or ()

    @property
    def record_only(self) -> bool:
        """Whether the column of texts is never read, only what else the record holds."""
        return False

    @property
    def reads_images(self) -> bool:
        """Whether texts are written from the images too; a new case must bring what is read."""
        return True

    @property
    def images_of(self) -> str | None:
        """Modality whose images it looks at, and whose features it is given; None: not one alone.

        A spec is refused where no encoder has the features that ``needs_features`` asks for.
        """
        return IMAGE if self.needs_features else None

    @property
    def slow(self) -> bool:
        """Whether texts are worth keeping in the cache, as when images are looked at."""
        return self.needs_features

    @abstractmethod
    def build(self, features: FeatureSource | None) -> "Narrative":
        """Build the writer; ``features`` is given when ``needs_features`` is set."""


class Narrative(ABC):
    """Writes one text per sample; sees no label and no leaking column."""

    def fit(self, train: Sequence[Sample]) -> None:  # noqa: B027 - most narratives learn nothing
        """Learn from the training part only."""

    @property
    def learns(self) -> bool:
        """Whether ``fit`` learns something, which new cases then need as well."""
        return type(self).fit is not Narrative.fit

    @abstractmethod
    def write(self, sample: Sample) -> str:
        """The text of a sample; empty when it has none."""

    def notes(self, samples: Sequence[Sample]) -> Sequence[str]:
        """Sentences on what the texts of these samples lack; they stand beside the results.

        Asked without ``fit``, of narratives that need no features.
        """
        return ()

    def write_all(self, samples: Sequence[Sample]) -> Sequence[str]:
        """The texts of samples, in order; for narratives that are quicker with many at a time."""
        return [self.write(sample) for sample in samples]
