"""Narratives of API 1, whose samples have one kind of images without a name, as those of API 2."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from torch import Tensor

from mmx.interfaces import IMAGE, FeatureSource, Narrative, NarrativeParams, Sample
from mmx.plugins.api1.named_as import named_as


def narrative_by_name(params: type[NarrativeParams]) -> type[NarrativeParams]:
    """A class of settings like that of API 1 whose narrative is shown samples as API 1 had them."""

    class ByName(params):  # type: ignore[valid-type, misc]  # a class that is computed
        @property
        def reads_images(self) -> bool:
            """What API 1 called ``looks``."""
            return bool(getattr(self, "looks", super().reads_images))

        def build(self, features: FeatureSource | None) -> Narrative:
            """The narrative of API 1 behind one that takes samples by name."""
            shown = None if features is None else FeaturesOfOne(features)
            return NarrativeOfOne(super().build(shown))

    return named_as(params, ByName)


class SampleOfOne(Sample):
    """A sample whose images, boxes and own place are those of ``image``, without a name."""

    def __post_init__(self) -> None:
        """Take off the name."""
        nothing: Mapping[str, Any] = {"images": (), "boxes": (), "own": None}
        for name, empty in nothing.items():
            given = getattr(self, name)
            if isinstance(given, Mapping):
                object.__setattr__(self, name, given.get(IMAGE, empty))

    @property
    def has_image(self) -> bool:
        """Whether any place holds an image."""
        return any(image is not None for image in self.images)

    def drawn_by(self, words: str) -> str:
        """What API 1 called ``seeded_by``."""
        return self.seeded_by(words)


class FeaturesOfOne:
    """Image features of samples as API 1 had them."""

    def __init__(self, features: FeatureSource) -> None:
        self._features = features

    def pooled(self, samples: Sequence[Sample]) -> Tensor:
        """[B, D], float32."""
        return self._features.pooled([Sample(**_given(one)) for one in samples])


class NarrativeOfOne(Narrative):
    """Shows samples of one kind of images to a narrative of API 1."""

    def __init__(self, narrative: Narrative) -> None:
        self.narrative = narrative

    def fit(self, train: Sequence[Sample]) -> None:
        """As the narrative of API 1."""
        self.narrative.fit([_of_one(sample) for sample in train])

    @property
    def learns(self) -> bool:
        """As the narrative of API 1."""
        return self.narrative.learns

    def write(self, sample: Sample) -> str:
        """As the narrative of API 1."""
        return self.narrative.write(_of_one(sample))

    def write_all(self, samples: Sequence[Sample]) -> Sequence[str]:
        """As the narrative of API 1."""
        return self.narrative.write_all([_of_one(sample) for sample in samples])


def _of_one(sample: Sample) -> SampleOfOne:
    return SampleOfOne(**_given(sample))


def _given(sample: Sample) -> dict[str, Any]:
    return {one.name: getattr(sample, one.name) for one in fields(sample)}
