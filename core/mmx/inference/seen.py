"""New cases as a trained model sees them: images decoded, texts written, faults by row."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import torch

from mmx.data import ImageStore, Part, TextStore
from mmx.inference.case_texts import case_texts
from mmx.inference.needs import Needs
from mmx.inference.prediction import PartPrediction
from mmx.inference.trained import Trained
from mmx.interfaces import NarrativeParams, Sample
from mmx.pipeline import cache_folder, stage
from mmx.runs import Observer


@dataclass(frozen=True, slots=True)
class Seen:
    """Samples as the model sees them.

    Attributes:
        samples: as they were read.
        images: of all samples.
        texts: of all samples; empty where there is none.
        places: the samples that can be answered.
        faults: the others, with the reason.
    """

    samples: Sequence[Sample]
    images: ImageStore
    texts: list[str]
    places: list[int]
    faults: dict[int, str]

    def predicted(
        self, trained: Trained, observer: Observer, labels: torch.Tensor | None = None
    ) -> PartPrediction:
        """Predictions of the samples that can be answered, in order.

        Args:
            trained: the run.
            observer: is told how far it has come.
            labels: [n], of these samples; None: unknown.
        """
        unknown = torch.full((len(self.places),), -1)
        groups = [self.samples[place].group for place in self.places]
        store = TextStore(self.texts, trained.text_encoder)
        targets = unknown if labels is None else labels
        part = Part(self.places, {"image": self.images, "text": store}, targets, groups)
        with stage(observer, "predicting", "cases") as told:
            return trained.over(part, told)


def see(
    trained: Trained,
    needs: Needs,
    rows: Sequence[Sample],
    narrative: NarrativeParams,
    hidden: Sequence[str],
    observer: Observer,
) -> Seen:
    """Read the images and write the texts of samples; what cannot be read is a fault.

    Args:
        trained: the run.
        needs: what it reads.
        rows: the samples.
        narrative: writes their texts.
        hidden: fields of the record that texts are never written from.
        observer: is told how far it has come.
    """
    samples = [rows[place] for place in range(len(rows))]
    if needs.ragged:
        samples = [_without_places_behind(sample, needs.ragged) for sample in samples]
    images = _images(trained, needs, samples, observer)
    faults = {int(bad.row): bad.reason for bad in images.unreadable}
    texts = [""] * len(samples)
    told = [place for place in range(len(samples)) if not (narrative.looks and place in faults)]
    if needs.text and told:
        some = [samples[place] for place in told]
        written = case_texts(trained, narrative, some, hidden, observer)
        for place, text in zip(told, written, strict=True):
            texts[place] = text
    shown = images.mask.any(dim=1).numpy() & needs.pixels
    for place in range(len(samples)):
        if not shown[place] and not texts[place].strip():
            faults.setdefault(place, _nothing(needs))
    places = [place for place in range(len(samples)) if place not in faults]
    return Seen(samples, images, texts, places, faults)


def _without_places_behind(sample: Sample, ragged: Collection[str]) -> Sample:
    """The sample without empty places behind its last images, as its data set would give it."""
    images, boxes = dict(sample.images), dict(sample.boxes)
    for name in images.keys() & ragged:
        count = max((place + 1 for place, one in enumerate(images[name]) if one), default=0)
        images[name] = images[name][:count]
        boxes |= {name: boxes[name][:count]} if name in boxes else {}
    return replace(sample, images=images, boxes=boxes)


def _images(
    trained: Trained, needs: Needs, samples: Sequence[Sample], observer: Observer
) -> ImageStore:
    """The images of the samples, which have their places as ids here; none if none is read."""
    spec = trained.spec.data
    shown = [replace(sample, id=str(place)) for place, sample in enumerate(samples)]
    if not needs.reads.images:
        shown = [replace(sample, images={}, boxes={}, own={}) for sample in shown]
    with stage(observer, "reading", "images") as told:
        return ImageStore(
            shown,
            spec.image,
            folder=cache_folder(spec) / "images",
            memory_gb=spec.memory_gb,
            progress=told,
        )


def _nothing(needs: Needs) -> str:
    sides = [side for side, read in (("image", needs.pixels), ("text", needs.text)) if read]
    return f"has no {' and no '.join(sides)}"
