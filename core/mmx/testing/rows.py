"""Laws of data sets, narratives and samplers: what rows there are, their words and their order."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mmx.interfaces import (
    Dataset,
    DatasetParams,
    Narrative,
    NarrativeParams,
    Sample,
    Sampler,
    SamplerParams,
    Value,
)
from mmx.testing.global_state import untouched
from mmx.testing.law import Laws, demand
from mmx.testing.real_run import trains

LABELS = torch.tensor([0] * 20 + [1] * 8 + [2] * 2)
GROUPS = tuple(f"group {row // 2}" for row in range(len(LABELS)))
FILES = tuple(f"{row // 3}.tar" for row in range(len(LABELS)))
RECORD: dict[str, Value] = {"age": 45.0, "sex": "male", "site": "back", "text": "A brown spot."}
SAMPLES = [
    Sample(f"row {n}", f"group {n // 2}", record={**RECORD, "age": 30.0 + n}, label="a")
    for n in range(6)
]


def some() -> list[Sample]:
    """Samples with records of their own, which a narrative may change by mistake."""
    return [replace(sample, record=dict(sample.record)) for sample in SAMPLES]


class RandomFeatures:
    """Stands for the frozen image features of samples."""

    def pooled(self, samples: Sequence[Sample]) -> Tensor:
        """[B, 8], decided by the ids."""
        seeds = [sum(sample.id.encode()) for sample in samples]
        built_sampler = [
            torch.randn(8, generator=torch.Generator().manual_seed(seed)) for seed in seeds
        ]
        return torch.stack(built_sampler)


def dataset_builds(params: DatasetParams) -> str:
    """``build`` gives a data set with rows and at least two classes."""
    dataset = params.build()
    demand(isinstance(dataset, Dataset), f"build must give a Dataset, got {type(dataset)}")
    demand(len(dataset.samples()) > 0, "it has no rows")
    unique = len(set(dataset.classes)) == len(dataset.classes)
    demand(unique and len(dataset.classes) > 1, f"classes must be 2 or more: {dataset.classes}")
    return f"{len(dataset.samples())} rows, {len(dataset.classes)} classes"


def ids_unique(params: DatasetParams) -> None:
    """Each row has an id of its own and a group."""
    samples = params.build().samples()
    demand(len({sample.id for sample in samples}) == len(samples), "two rows have one id")
    demand(all(sample.group for sample in samples), "a row has no group")


def labels_known(params: DatasetParams) -> None:
    """Each label is one of the classes, or None."""
    dataset = params.build()
    strange = {sample.label for sample in dataset.samples()} - {None, *dataset.classes}
    demand(not strange, f"labels that are no class: {sorted(map(str, strange))}")


def boxes_fit(params: DatasetParams) -> None:
    """Each row has as many boxes as images, or none."""
    for sample in params.build().samples():
        for name, boxes in sample.boxes.items():
            images = sample.images.get(name, ())
            fits = not boxes or len(boxes) == len(images)
            demand(fits, f"{sample.id}: {len(boxes)} boxes for {len(images)} images of {name}")


def rows_repeat(params: DatasetParams) -> None:
    """Two builds give the same rows in the same order."""
    first, second = params.build().samples(), params.build().samples()
    demand([_told(s) for s in first] == [_told(s) for s in second], "two builds give other rows")


def narrative_builds(params: NarrativeParams) -> str:
    """``build`` gives a narrative that writes a string, also where all fields are missing."""
    narrative = told(params)
    demand(isinstance(narrative, Narrative), f"build must give a Narrative, got {type(narrative)}")
    empty = replace(some()[0], record=dict.fromkeys(RECORD))
    for sample in (*some(), empty):
        demand(isinstance(narrative.write(sample), str), "write must give a string")
    return repr(narrative.write(some()[0]))


def label_unseen(params: NarrativeParams) -> None:
    """Another label, or none, changes no text."""
    if params.needs_label:
        return
    seen = [told(params).write(sample) for sample in some()]
    for label in ("b", None):
        others = [replace(sample, label=label) for sample in some()]
        written = [told(params, others).write(sample) for sample in others]
        demand(written == seen, "the text changes with the label")


def text_repeats(params: NarrativeParams) -> None:
    """A sample has one text, whoever is asked and however often."""
    narrative = told(params)
    first = [narrative.write(sample) for sample in some()]
    again = [narrative.write(sample) for sample in reversed(some())][::-1]
    demand(first == again, "writing twice gives two texts")
    demand([told(params).write(sample) for sample in some()] == first, "two builds write two texts")


def told(params: NarrativeParams, train: Sequence[Sample] = ()) -> Narrative:
    """A fitted narrative."""
    narrative = params.build(RandomFeatures() if params.needs_features else None)
    narrative.fit(train or some())
    return narrative


def sampler_builds(params: SamplerParams) -> str:
    """``build`` gives a sampler that yields rows of the training part, as many as its length."""
    sampler = built_sampler(params)
    demand(isinstance(sampler, Sampler), f"build must give a Sampler, got {type(sampler)}")
    rows = list(sampler)
    demand(len(rows) == len(sampler), f"it yields {len(rows)} rows, its length is {len(sampler)}")
    demand(all(0 <= row < len(LABELS) for row in rows), "it yields a row that does not exist")
    return f"{len(rows)} rows of {len(LABELS)}"


def order_repeats(params: SamplerParams) -> None:
    """The same seed and epoch give the same order, whatever was drawn before."""
    used = built_sampler(params)
    list(used)
    for epoch in (2, 0):
        fresh = built_sampler(params)
        fresh.set_epoch(epoch)
        used.set_epoch(epoch)
        demand(list(used) == list(fresh), f"epoch {epoch} depends on what was drawn before")


def random_state(params: SamplerParams) -> None:
    """Nothing of the whole process changes."""
    with untouched("drawing an epoch"):
        list(built_sampler(params))


def narrative_random_state(params: NarrativeParams) -> None:
    """Nothing of the whole process changes, and no sample is changed."""
    samples = some()
    with untouched("fitting and writing"):
        told(params, samples).write_all(samples)
    kept = [_told(sample) for sample in samples] == [_told(sample) for sample in some()]
    demand(kept, "it changes the record of a sample")


def together(params: NarrativeParams) -> None:
    """``write_all`` gives what ``write`` gives, in the same order."""
    narrative, samples = told(params), some()
    one_by_one = [narrative.write(sample) for sample in samples]
    demand(list(narrative.write_all(samples)) == one_by_one, "write_all writes other texts")


def dataset_random_state(params: DatasetParams) -> None:
    """Nothing of the whole process changes."""
    with untouched("reading the rows"):
        params.build().samples()


def counts_match(params: SamplerParams) -> None:
    """``expected_counts`` are the mean counts of what it draws, within four standard errors."""
    sampler, counts = built_sampler(params), LABELS.bincount()
    epochs = []
    for epoch in range(200):
        sampler.set_epoch(epoch)
        epochs.append(LABELS[list(sampler)].bincount(minlength=len(counts)).double())
    seen = torch.stack(epochs)
    error = seen.std(dim=0) / len(seen) ** 0.5
    told_counts = sampler.expected_counts(counts).double()
    good = bool(((seen.mean(dim=0) - told_counts).abs() <= 4 * error + 1e-6).all())
    demand(good, f"it tells {told_counts.tolist()}, but draws {seen.mean(dim=0).tolist()}")


def lanes_hold(params: SamplerParams) -> None:
    """Where it has lanes, each row is in one of them, no lane is empty, and a file is in one lane.

    They follow from seed and epoch alone, whether the order was drawn before or not.
    """
    used = built_sampler(params)
    for epoch in (2, 0) if used.lanes else ():
        fresh = built_sampler(params)
        for sampler in (used, fresh):
            sampler.set_epoch(epoch)
        list(used)
        lanes = list(fresh.lanes_of(range(len(LABELS))))
        demand({*lanes} == {*range(fresh.lanes)}, f"{fresh.lanes} lanes, of which it names {lanes}")
        files = len({*zip(FILES, lanes, strict=True)})
        demand(files == len({*FILES}), "rows of one file are in several lanes")
        again = list(used.lanes_of(range(len(LABELS))))
        demand(again == lanes, f"the lanes of epoch {epoch} depend on what was drawn before")


def built_sampler(params: SamplerParams) -> Sampler:
    """A sampler for imbalanced labels."""
    sampler = params.build(LABELS, 0)
    sampler.set_groups(GROUPS)
    if sampler.lanes:
        sampler.set_files(FILES)
    return sampler


def _told(sample: Sample) -> tuple[object, ...]:
    images = {
        name: tuple(getattr(image, "key", image) for image in held)
        for name, held in sample.images.items()
    }
    boxes, record = dict(sample.boxes), dict(sample.record)
    return sample.id, sample.group, images, boxes, record, sample.label


DATASET: Laws = {
    "builds": dataset_builds,
    **{law.__name__: law for law in (ids_unique, labels_known, boxes_fit, rows_repeat)},
    "random_state": dataset_random_state,
}
NARRATIVE: Laws = {
    "builds": narrative_builds,
    **{law.__name__: law for law in (label_unseen, text_repeats, together)},
    "random_state": narrative_random_state,
}
SAMPLER: Laws = {
    "builds": sampler_builds,
    **{
        law.__name__: law for law in (order_repeats, lanes_hold, counts_match, random_state, trains)
    },
}
