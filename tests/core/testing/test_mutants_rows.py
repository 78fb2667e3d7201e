"""Mistakes in samplers, narratives and data sets: each is caught, by the law that names it."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor

import mmx
from mmx import Sample

Failing = Callable[[mmx.Params], dict[str, str]]
Caught = Callable[[mmx.Params, str], None]
# kind of method -> mistake -> the law that says so
MISTAKES = {
    "sampler": {
        "shuffles with Python's numbers": "random_state",
        "order depends on what was drawn": "order_repeats",
        "counts told wrongly": "counts_match",
        "a lane stays empty": "lanes_hold",
        "a file is in two lanes": "lanes_hold",
        "lanes are known when drawn": "lanes_hold",
    },
    "narrative": {
        "writes the label": "label_unseen",
        "changes the record": "random_state",
        "draws a phrase": "text_repeats",
        "write_all sorts": "together",
    },
    "dataset": {
        "shuffles its rows for everybody": "random_state",
        "ids by chance": "rows_repeat",
    },
}

NOTE = "what is wrong; empty: nothing"


class SamplerMutantParams(mmx.SamplerParams):
    """Settings of a shuffling sampler with a chosen mistake."""

    type: Literal["sampler_mutant"] = "sampler_mutant"
    mistake: str = Field(default="", description=NOTE)

    def build(self, labels: Tensor, seed: int) -> mmx.Sampler:
        return Order(len(labels), seed, self.mistake)


class Order(mmx.Sampler):
    def __init__(self, rows: int, seed: int, mistake: str) -> None:
        self.rows, self.seed, self.mistake = rows, seed, mistake
        self.draws = torch.Generator().manual_seed(seed)
        self.files: Sequence[str] = ()
        self.drawn = 0

    @property
    def lanes(self) -> int:
        return 2 + (self.mistake == "a lane stays empty")

    def set_files(self, files: Sequence[str]) -> None:
        self.files = files

    def lanes_of(self, rows: Sequence[int]) -> Sequence[int]:
        if self.mistake == "a file is in two lanes":
            return [row % 2 for row in rows]
        epoch = self.drawn if self.mistake == "lanes are known when drawn" else self.epoch
        names = [name or row for row, name in enumerate(self.files)]
        number = {name: index for index, name in enumerate(dict.fromkeys(names))}
        return [(number[names[row]] + epoch // 2) % 2 for row in rows]

    def __iter__(self) -> Iterator[int]:
        self.drawn = self.epoch
        if self.mistake == "shuffles with Python's numbers":
            random.seed(self.seed + self.epoch)
            return iter(random.sample(range(self.rows), self.rows))
        if self.mistake != "order depends on what was drawn":
            self.draws.manual_seed(self.seed + self.epoch)
        return iter(torch.randperm(self.rows, generator=self.draws).tolist())

    def __len__(self) -> int:
        return self.rows

    def expected_counts(self, class_counts: Tensor) -> Tensor:
        wrong = self.mistake == "counts told wrongly"
        return torch.full_like(class_counts, 10) if wrong else class_counts


class NarrativeMutantParams(mmx.NarrativeParams):
    """Settings of a narrative of ages with a chosen mistake."""

    type: Literal["narrative_mutant"] = "narrative_mutant"
    mistake: str = Field(default="", description=NOTE)

    def build(self, features: object) -> mmx.Narrative:
        return Ages(self.mistake)


class Ages(mmx.Narrative):
    def __init__(self, mistake: str) -> None:
        self.mistake, self.written = mistake, 0

    def write(self, sample: Sample) -> str:
        self.written += 1
        if self.mistake == "changes the record":
            sample.record["age"] = 0.0  # type: ignore[index]
        if self.mistake == "writes the label":
            return str(sample.label)
        if self.mistake == "draws a phrase":
            return f"number {self.written}"
        return f"{sample.record.get('age')} years"

    def write_all(self, samples: Sequence[Sample]) -> Sequence[str]:
        found = [self.write(sample) for sample in samples]
        return sorted(found, reverse=True) if self.mistake == "write_all sorts" else found


class DatasetMutantParams(mmx.DatasetParams):
    """Settings of a data set of two rows with a chosen mistake."""

    type: Literal["dataset_mutant"] = "dataset_mutant"
    mistake: str = Field(default="", description=NOTE)

    def build(self) -> mmx.Dataset:
        return Rows(self.mistake)


class Rows(mmx.Dataset):
    classes = ("a", "b")

    def __init__(self, mistake: str) -> None:
        self.mistake = mistake

    def samples(self) -> Sequence[Sample]:
        if self.mistake == "shuffles its rows for everybody":
            random.seed(3)
        by_chance = f"{torch.rand(1).item()}" if self.mistake == "ids by chance" else "x"
        return [Sample(by_chance, "g", label="a"), Sample("y", "h", label="b")]


METHODS: dict[str, Callable[..., mmx.Params]] = {
    "sampler": SamplerMutantParams,
    "narrative": NarrativeMutantParams,
    "dataset": DatasetMutantParams,
}
CASES = [(kind, *one) for kind, found in MISTAKES.items() for one in found.items()]


@pytest.mark.parametrize("kind", METHODS)
def test_the_right_ones_keep_all_laws(kind: str, failing: Failing) -> None:
    assert failing(METHODS[kind]()) == {}


@pytest.mark.parametrize(("kind", "mistake", "law"), CASES)
def test_a_mistake_is_caught_by_the_law_that_names_it(
    kind: str, mistake: str, law: str, caught: Caught
) -> None:
    caught(METHODS[kind](mistake=mistake), law)
