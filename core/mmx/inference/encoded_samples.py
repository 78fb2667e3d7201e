"""New cases as a trained model sees them: images decoded, texts written, faults by row."""

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from mmx.data import ImageReaders, ImageStore, Part, TextStore
from mmx.errors import DataError
from mmx.inference.case_texts import case_texts
from mmx.inference.needs import Needs
from mmx.inference.prediction import PartPrediction
from mmx.inference.told_of_pictures import told_of_pictures
from mmx.inference.told_of_texts import told_of_texts
from mmx.inference.trained_run import TrainedRun
from mmx.interfaces import IMAGE, TEXT, NarrativeParams, Sample, Store
from mmx.pipeline import PreparedRows, cache_folder, stage, together
from mmx.runs import Observer

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EncodedSamples:
    """Samples as the model sees them.

    Attributes:
        samples: as they were read.
        stores: what the encoders read of all samples, by modality.
        images: of all samples, of the first modality that has any.
        written: the texts of all samples by modality; empty where there is none.
        indices: the samples that can be answered.
        faults: the others, with the reason.
        notes: sentences on their images, and on what their texts lack.
    """

    samples: Sequence[Sample]
    stores: Mapping[str, Store]
    images: ImageStore
    written: Mapping[str, Sequence[str]]
    indices: list[int]
    faults: dict[int, str]
    notes: tuple[str, ...] = ()

    @property
    def texts(self) -> list[str]:
        """All that is written of each sample."""
        return together(self.written, len(self.samples))

    def told(self, index: int) -> dict[str, str]:
        """The texts of a sample by modality."""
        return {name: texts[index] for name, texts in self.written.items()}

    def predicted(
        self, trained: TrainedRun, observer: Observer, labels: torch.Tensor | None = None
    ) -> PartPrediction:
        """Predictions of the samples that can be answered, in order.

        Args:
            trained: the run.
            observer: is told how far it has come.
            labels: [n], of these samples; None: unknown.
        """
        unknown = torch.full((len(self.indices),), -1)
        groups = [self.samples[index].group for index in self.indices]
        targets = unknown if labels is None else labels
        part = Part(self.indices, self.stores, targets, groups)
        with stage(observer, "predicting", "cases") as told:
            return trained.over(part, told)


def see(
    trained: TrainedRun,
    needs: Needs,
    rows: Sequence[Sample],
    narratives: Mapping[str, NarrativeParams],
    hidden: Sequence[str],
    observer: Observer,
) -> EncodedSamples:
    """Read the images and write the texts of samples; what cannot be read is a fault.

    Args:
        trained: the run.
        needs: what it reads.
        rows: the samples.
        narratives: write their texts, by modality.
        hidden: fields of the record that texts are never written from.
        observer: is told how far it has come.
    """
    samples = [_without_indices_behind(rows[index], needs.ragged) for index in range(len(rows))]
    pictures = _pictures(trained, needs, samples, observer)
    faults = {int(bad.row): bad.reason for one in pictures.values() for bad in one.unreadable}
    kinds = trained.spec.model.kinds
    told = [name for name in trained.spec.data.narratives if kinds.get(name) == TEXT]
    written = {name: [""] * len(samples) for name in told}
    for name in needs.texts:
        writes = _narrative(narratives, name)
        lost = faults.keys() if writes.reads_images else set[int]()
        written[name] = _written(trained, writes, samples, lost, hidden, observer)
    stores = trained.inputs.stores(PreparedRows(_numbered(samples), pictures, written))
    faults |= {int(bad.row): bad.reason for one in stores.values() for bad in one.unreadable}
    held = _held(needs, stores, together(written, len(samples)))
    for index in np.flatnonzero(~held).tolist():
        faults.setdefault(index, _nothing(needs))
    indices = [index for index in range(len(samples)) if index not in faults]
    first = next(iter(pictures.values()))
    writers = {name: narratives[name] for name in needs.texts}
    notes = told_of_pictures(trained, pictures, samples)
    notes += told_of_texts(trained, writers, samples, written, hidden)
    return EncodedSamples(samples, stores, first, written, indices, faults, notes)


def _narrative(narratives: Mapping[str, NarrativeParams], name: str) -> NarrativeParams:
    if name in narratives:
        return narratives[name]
    raise DataError(
        f"this run reads the text {name!r}, and the data have "
        f"{', '.join(narratives) or 'no narrative'}; add data.narratives.{name}"
    )


def _written(
    trained: TrainedRun,
    narrative: NarrativeParams,
    samples: Sequence[Sample],
    lost: Container[int],
    hidden: Sequence[str],
    observer: Observer,
) -> list[str]:
    """The text of each sample; empty of the lost ones, which are not written."""
    told = [number for number in range(len(samples)) if number not in lost]
    some = [samples[number] for number in told]
    found = case_texts(trained, narrative, some, hidden, observer) if told else []
    texts = dict(zip(told, found, strict=True))
    return [texts.get(number, "") for number in range(len(samples))]


def _held(needs: Needs, stores: Mapping[str, Store], texts: Sequence[str]) -> "NDArray[np.bool_]":
    """[n], samples that hold anything that the model reads."""
    held = np.array([bool(needs.texts) and bool(text.strip()) for text in texts], dtype=bool)
    for name in needs.modalities:
        if not isinstance(stores[name], TextStore):
            held |= stores[name].present.numpy()
    return held


def _numbered(samples: Sequence[Sample]) -> list[Sample]:
    """The samples with their places as ids."""
    return [replace(sample, id=str(index)) for index, sample in enumerate(samples)]


def _without_indices_behind(sample: Sample, ragged: Collection[str]) -> Sample:
    """The sample without empty places behind its last images, as its data set would give it."""
    if not ragged:
        return sample
    images, boxes = dict(sample.images), dict(sample.boxes)
    for name in images.keys() & ragged:
        count = max((index + 1 for index, one in enumerate(images[name]) if one), default=0)
        images[name] = images[name][:count]
        boxes |= {name: boxes[name][:count]} if name in boxes else {}
    return replace(sample, images=images, boxes=boxes)


def _pictures(
    trained: TrainedRun, needs: Needs, samples: Sequence[Sample], observer: Observer
) -> dict[str, ImageStore]:
    """The images of the samples by modality, which have their places as ids here."""
    spec, shown = trained.spec.data, _numbered(samples)
    read = needs.reads.images
    shown = [
        replace(
            sample,
            images={name: images for name, images in sample.images.items() if name in read},
            boxes={name: boxes for name, boxes in sample.boxes.items() if name in read},
        )
        for sample in shown
    ]
    with stage(observer, "reading", "images") as told:
        return {
            name: ImageStore(
                shown,
                spec.frame(name),
                modality=name,
                folder=cache_folder(spec) / "images",
                memory_gb=spec.memory_gb,
                progress=told,
                readers=ImageReaders(trained.spec.plugins),
            )
            for name in needs.layout.images or (IMAGE,)
        }


def _nothing(needs: Needs) -> str:
    return f"has no {' and no '.join(needs.modalities)}"
