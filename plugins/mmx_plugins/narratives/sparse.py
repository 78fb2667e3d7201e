"""Texts with words left out, to see how a fusion bears sparse text.

No paper: a control for claims such as "co-attention fails on sparse text" of the course report.
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Literal, cast

from pydantic import Field, SerializeAsAny

from mmx import Narrative, NarrativeParams, Params, Sample, chosen, hookimpl
from mmx.interfaces import FeatureSource

Inner = Annotated[SerializeAsAny[NarrativeParams], chosen(NarrativeParams)]


class SparseParams(NarrativeParams):
    """Settings of a narrative whose words are dropped at random."""

    type: Literal["sparse"] = "sparse"
    inner: Inner = Field(
        default=cast(NarrativeParams, "template"),  # checked like what is given
        validate_default=True,
        description="the narrative whose words are dropped",
    )
    drop: float = Field(default=0.5, ge=0, le=1, description="share of words left out")

    @property
    def needs_features(self) -> bool:
        return self.inner.needs_features

    @property
    def needs_label(self) -> bool:
        return self.inner.needs_label

    @property
    def fields(self) -> tuple[str, ...] | None:
        return self.inner.fields

    @property
    def named_fields(self) -> tuple[str, ...]:
        return self.inner.named_fields

    @property
    def record_only(self) -> bool:
        return self.inner.record_only

    @property
    def reads_images(self) -> bool:
        return self.inner.reads_images

    @property
    def images_of(self) -> str | None:
        return self.inner.images_of

    @property
    def slow(self) -> bool:
        return self.inner.slow

    def build(self, features: FeatureSource | None) -> "Sparse":
        return Sparse(self.inner.build(features), self.drop)


class Sparse(Narrative):
    """Keeps word k of a sample when hash(id, k) >= drop; what goes at 0.5 is gone at 0.9 too."""

    def __init__(self, inner: Narrative, drop: float) -> None:
        self.inner, self.drop = inner, drop

    def fit(self, train: Sequence[Sample]) -> None:
        self.inner.fit(train)

    @property
    def learns(self) -> bool:
        return self.inner.learns

    def notes(self, samples: Sequence[Sample]) -> Sequence[str]:
        return self.inner.notes(samples)

    def write(self, sample: Sample) -> str:
        text = self.inner.write(sample)
        return self._thinned(sample.seeded_by(text), text)

    def write_all(self, samples: Sequence[Sample]) -> Sequence[str]:
        whole = self.inner.write_all(samples)
        pairs = zip(samples, whole, strict=True)
        return [self._thinned(sample.seeded_by(text), text) for sample, text in pairs]

    def _thinned(self, name: str, text: str) -> str:
        words = enumerate(text.split())
        return " ".join(word for index, word in words if _share(name, index) >= self.drop)


def _share(name: str, index: int) -> float:
    """A number in [0, 1) that only the sample's id and the word's place decide."""
    digest = hashlib.blake2b(f"{index} {name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this narrative."""
    return [SparseParams]
