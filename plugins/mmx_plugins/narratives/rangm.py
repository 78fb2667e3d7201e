"""Simplified narratives whose knowledge of the case is a setting, so that leakage can be measured.

Source: a simplified reading of the retrieval-augmented narratives of the course report; the ABCD
rule is Nachbar et al. 1994, doi:10.1016/S0190-9622(94)70061-3.
"""

import hashlib
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field, PositiveInt, field_validator

from mmx import Narrative, NarrativeParams, Params, Sample, appearance_of, hookimpl
from mmx.blocks import case_phrase
from mmx.interfaces import IMAGE, FeatureSource, ModalityName, PackedImage, Picture

Level = Literal["meta", "visual", "retrieved", "oracle"]
FRAMES = (
    "I see {case}.", "Today I examined {case}.", "My patient is {case}.", "I looked at {case}.",
)  # fmt: skip
SYMPTOMS = (
    "it itches", "it bled twice", "it grew within weeks", "it has looked the same for years",
    "it feels rough", "it is tender", "it came up after an injury", "it has a crust",
)  # fmt: skip
CHUNK = 512  # samples compared with all training samples at a time


class RangmParams(NarrativeParams):
    """Settings of the simplified narrative; each level adds to the one before, but oracle."""

    type: Literal["rangm"] = "rangm"
    level: Level = Field(
        default="meta",
        description="meta: the record; visual: adds what is measured in the image; retrieved: adds "
        "what is measured in similar training images; oracle: symptoms that tell the label",
    )
    images: ModalityName = Field(
        default=IMAGE, description="visual and retrieved: modality whose images are measured"
    )
    templates: tuple[str, ...] = Field(
        default=FRAMES, min_length=1, description="sentences around {case}, chosen by the id"
    )
    neighbours: PositiveInt = Field(default=3, description="retrieved: similar samples looked at")
    epsilon: float = Field(
        default=0.3, ge=0, le=1, description="oracle: share of texts with another class's symptom"
    )

    @field_validator("templates")
    @classmethod
    def _one_slot(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        for template in templates:
            slots = [slot for _, slot, _, _ in string.Formatter().parse(template) if slot]
            if slots != ["case"]:
                raise ValueError(f"a template must hold {{case}} once, got {template!r}")
        return templates

    @property
    def needs_features(self) -> bool:
        return self.level == "retrieved"

    @property
    def needs_label(self) -> bool:
        return self.level == "oracle"

    @property
    def record_only(self) -> bool:
        return True

    @property
    def reads_images(self) -> bool:
        return self.level in ("visual", "retrieved")

    @property
    def images_of(self) -> str | None:
        return self.images if self.reads_images else None

    @property
    def slow(self) -> bool:
        return self.level in ("visual", "retrieved")

    def build(self, features: FeatureSource | None) -> Narrative:
        if self.level == "oracle":
            return Oracle(self.templates, self.epsilon)
        if self.level == "retrieved":
            assert features is not None  # needs_features says so
            return RetrievedNarrative(self.templates, self.images, self.neighbours, features)
        if self.level == "visual":
            return Visual(self.templates, self.images)
        return Meta(self.templates)


class Meta(Narrative):
    """The record, in a phrasing that the sample's id chooses."""

    def __init__(self, templates: Sequence[str]) -> None:
        self.templates = tuple(templates)

    def write(self, sample: Sample) -> str:
        case = case_phrase(sample.record, sample.roles, sample.texts)
        if not case:
            return ""
        sentence = self.templates[_number(sample.seeded_by(case)) % len(self.templates)].format(
            case=case
        )
        return sentence[:1].upper() + sentence[1:]


class Visual(Meta):
    """Adds colours, symmetry, border and size as they are measured in the image."""

    def __init__(self, templates: Sequence[str], modality: str) -> None:
        super().__init__(templates)
        self.modality = modality

    def first_image(self, sample: Sample) -> Path | Picture | PackedImage | None:
        """The image that is measured; None where the sample has none."""
        images = sample.images.get(self.modality, ())
        return next((image for image in images if image is not None), None)

    def appearance(self, sample: Sample) -> str:
        """What is measured, in words; none where there is no image."""
        image = self.first_image(sample)
        return "" if image is None else appearance_of(image).words

    def write(self, sample: Sample) -> str:
        seen = self.appearance(sample)
        return _joined(super().write(sample), f"It shows {seen}." if seen else "")


class RetrievedNarrative(Visual):
    """Adds what is measured in the most similar training images of other groups."""

    def __init__(
        self, templates: Sequence[str], modality: str, count: int, features: FeatureSource
    ) -> None:
        super().__init__(templates, modality)
        self.count, self.features = count, features
        self.train: Sequence[Sample] = ()
        self.index = torch.zeros(0, 0)

    def fit(self, train: Sequence[Sample]) -> None:
        self.train = [sample for sample in train if self.first_image(sample) is not None]
        if self.train:
            self.index = _unit(self.features.pooled(self.train))
        self._phrases: dict[int, str] = {}

    def write(self, sample: Sample) -> str:
        return self.write_all([sample])[0]

    def write_all(self, samples: Sequence[Sample]) -> Sequence[str]:
        own = [super(RetrievedNarrative, self).write(sample) for sample in samples]
        shown = [k for k, sample in enumerate(samples) if self.first_image(sample) is not None]
        for start in range(0, len(shown), CHUNK):
            places = shown[start : start + CHUNK]
            nearest = self._nearest([samples[place] for place in places])
            for place, rows in zip(places, nearest, strict=True):
                words = list(dict.fromkeys(filter(None, map(self._phrase, rows))))
                similar = f"Similar cases showed {'; '.join(words)}." if words else ""
                own[place] = _joined(own[place], similar)
        return own

    def _nearest(self, samples: Sequence[Sample]) -> list[list[int]]:
        """Places of the most similar training samples, none of the sample's own group."""
        if not self.train:
            return [[] for _ in samples]
        groups = {name: number for number, name in enumerate({s.group for s in self.train})}
        ours = torch.tensor([groups[sample.group] for sample in self.train])
        theirs = torch.tensor([groups.get(sample.group, -1) for sample in samples])
        likeness = _unit(self.features.pooled(samples)) @ self.index.T
        likeness[theirs[:, None] == ours] = -torch.inf
        best = likeness.topk(min(self.count, len(self.train)), dim=1)
        pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
        return [[p for v, p in zip(*one, strict=True) if v > -torch.inf] for one in pairs]

    def _phrase(self, place: int) -> str:
        if place not in self._phrases:
            self._phrases[place] = self.appearance(self.train[place])
        return self._phrases[place]


class Oracle(Meta):
    """Adds a symptom that stands for the label; a share epsilon stands for another one."""

    def __init__(self, templates: Sequence[str], epsilon: float) -> None:
        super().__init__(templates)
        self.epsilon = epsilon
        self.classes: list[str] = []

    def fit(self, train: Sequence[Sample]) -> None:
        self.classes = sorted({sample.label for sample in train if sample.label is not None})

    def write(self, sample: Sample) -> str:
        if sample.label not in self.classes:
            return super().write(sample)
        told, name = self.classes.index(sample.label), sample.seeded_by(str(sample.record))
        draw = _number(f"flip {name}")
        if draw / 2**64 < self.epsilon and len(self.classes) > 1:
            told += 1 + _number(f"other {name}") % (len(self.classes) - 1)
        symptom = symptom_of(told % len(self.classes))
        return _joined(super().write(sample), f"The patient says that {symptom}.")


def symptom_of(place: int) -> str:
    """What stands for the class at this place; beyond the list, pairs."""
    if place < len(SYMPTOMS):
        return SYMPTOMS[place]
    first, second = divmod(place, len(SYMPTOMS))
    return f"{SYMPTOMS[first - 1]} and {SYMPTOMS[second]}"


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _unit(features: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(features, dim=1)


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this narrative."""
    return [RangmParams]
