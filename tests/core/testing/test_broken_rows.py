"""The kit catches broken data sets, narratives and samplers, each by its law."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor

from mmx import (
    Dataset,
    DatasetParams,
    Narrative,
    NarrativeParams,
    Params,
    Sample,
    Sampler,
    SamplerParams,
)
from mmx.interfaces import FeatureSource
from mmx.testing import check

NUMBERS = count()


def fault_field() -> str:
    return Field(default="", description="law that it breaks; empty: none")  # type: ignore[no-any-return]


class FaultyDataset(DatasetParams):
    """Settings of a data set with a chosen fault."""

    type: Literal["faulty"] = "faulty"
    fault: str = fault_field()

    def build(self) -> Dataset:
        return Rows(self.fault)


class Rows(Dataset):
    def __init__(self, fault: str) -> None:
        self.classes = ("a",) if fault == "builds" else ("a", "b")
        self.fault, self.number = fault, next(NUMBERS)

    def samples(self) -> Sequence[Sample]:
        fault = self.fault
        ids = {"ids_unique": ("x", "x"), "rows_repeat": (f"x{self.number}", "y")}
        label = "c" if fault == "labels_known" else "a"
        boxes = (None, None) if fault == "boxes_fit" else ()
        return [
            Sample(one, "g", boxes={"image": boxes}, label=label)
            for one in ids.get(fault, ("x", "y"))
        ]


class FaultyNarrative(NarrativeParams):
    """Settings of a narrative with a chosen fault."""

    type: Literal["faulty"] = "faulty"
    fault: str = fault_field()

    def build(self, features: FeatureSource | None) -> Narrative:
        return Words(self.fault)


class Words(Narrative):
    def __init__(self, fault: str) -> None:
        self.fault, self.written = fault, 0

    def write(self, sample: Sample) -> str:
        self.written += 1
        told = {
            "builds": sample.record.get("site"),  # None where it is missing
            "label_unseen": f"a {sample.label}",
            "text_repeats": f"text {self.written}",
        }
        return told.get(self.fault, "a lesion")  # type: ignore[return-value]


class FaultySampler(SamplerParams):
    """Settings of a sampler with a chosen fault."""

    type: Literal["faulty"] = "faulty"
    fault: str = fault_field()

    def build(self, labels: Tensor, seed: int) -> Sampler:
        made = Order(len(labels), seed, self.fault)
        return NoSampler(made) if self.fault == "builds" else made  # type: ignore[return-value]


class Order(Sampler):
    def __init__(self, rows: int, seed: int, fault: str) -> None:
        self.rows, self.seed, self.fault = rows, seed, fault
        self.generator = torch.Generator().manual_seed(seed)

    def __iter__(self) -> Iterator[int]:
        if self.fault != "order_repeats":
            self.generator.manual_seed(self.seed + self.epoch)
        if self.fault == "random_state":
            torch.manual_seed(self.seed + self.epoch)
            return iter(torch.randperm(self.rows).tolist())
        if self.fault == "counts_match":
            return iter([0] * self.rows)
        return iter(torch.randperm(self.rows, generator=self.generator).tolist())

    def __len__(self) -> int:
        return self.rows


class NoSampler:
    """Does all that a sampler does, but is none."""

    def __init__(self, inner: Order) -> None:
        self.inner = inner

    def __iter__(self) -> Iterator[int]:
        return iter(self.inner)

    def __len__(self) -> int:
        return len(self.inner)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


BROKEN = [
    *(
        (FaultyDataset, law)
        for law in ("builds", "ids_unique", "labels_known", "boxes_fit", "rows_repeat")
    ),
    *((FaultyNarrative, law) for law in ("builds", "label_unseen", "text_repeats")),
    *((FaultySampler, law) for law in ("builds", "order_repeats", "counts_match", "random_state")),
]
METHODS: list[type[Params]] = [FaultyDataset, FaultyNarrative, FaultySampler]


def failing(params: Params) -> list[str]:
    return [one.name for one in check(params) if not one.ok]


@pytest.fixture(autouse=True)
def _own_random_state() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        yield


@pytest.mark.parametrize("method", METHODS)
def test_sound_methods_keep_all_laws(method: type[Params]) -> None:
    assert failing(method()) == []


@pytest.mark.parametrize(("method", "law"), BROKEN)
def test_a_fault_is_caught_by_its_law(method: type[Params], law: str) -> None:
    assert law in failing(method.model_validate({"fault": law}))
