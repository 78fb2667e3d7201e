"""Mistakes that authors of input kinds make: each is caught, by the law that names it."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

import mmx
from mmx.interfaces import Input, InputParams, InputRows, RejectedRow, Store

Failing = Callable[[mmx.Params], dict[str, str]]
Caught = Callable[[mmx.Params, str], None]
MISTAKES = {
    "input": {
        "present is a number": "builds",
        "sorts the rows of a batch": "in_order",
        "as few bits as a batch needs": "alone_and_together",
        "standardised over the batch": "alone_and_together",
        "standardised over all prepared rows": "rows_apart",
        "key of the path": "keys_follow_content",
        "key without the statistics": "keys_follow_content",
        "key of the number of values": "keys_follow_content",
        "fit counts how often": "fit_repeats",
        "fit reads labels": "fit_repeats",
        "reads a hidden field": "hidden_unread",
        "nothing is a zero": "nothing_there",
        "nothing is a fault": "nothing_there",
        "seeds torch, input": "random_state",
    }
}
COUNT = [0]


@dataclass(frozen=True, slots=True)
class Numbers:
    values: Tensor
    present: Tensor


class Reader(nn.Module):
    """Says which mistake its input makes."""

    def __init__(self, mistake: str) -> None:
        super().__init__()
        self.mistake = mistake


class NumbersInput(Input):
    """The numbers of a text file and a field of the record, less the mean of training."""

    mean = 0.0
    hidden: Sequence[str] = ()

    @property
    def mistake(self) -> str:
        return str(self.encoder.mistake)

    @property
    def fields(self) -> Sequence[str]:
        return [name for name in ("age",) if name not in self.hidden]

    def fit(self, samples: Sequence[mmx.Sample], hidden: Mapping[str, str]) -> str:
        self.hidden = () if self.mistake == "reads a hidden field" else tuple(hidden)
        if self.mistake == "seeds torch, input":
            torch.manual_seed(1)
        found = [number for one in samples for number in self.numbers(one)]
        extra = float(COUNT[0]) if self.mistake == "fit counts how often" else 0.0
        COUNT[0] += 1
        if self.mistake == "fit reads labels":
            extra = random.Random(str(_label(samples))).random()
        return f"{sum(found) / max(1, len(found)) + extra} {' '.join(self.hidden)}"

    def restore(self, statistics: str) -> None:
        mean, *hidden = statistics.split()
        self.mean, self.hidden = float(mean), hidden

    def numbers(self, sample: mmx.Sample) -> list[float]:
        file = sample.inputs.get(self.name)
        if file is None:
            return []
        own = [float(word) for word in Path(str(file)).read_text().split()]
        return [*own, *(float(str(sample.record.get(name) or 0)) for name in self.fields)]

    def prepare(self, rows: InputRows) -> "NumbersStore":
        return NumbersStore(self, rows.samples)


def _label(samples: Any) -> Any:
    """A label, by the back door that core leaves to nobody who asks politely."""
    return samples._samples[0].label


class NumbersStore(Store):
    def __init__(self, kind: NumbersInput, samples: Sequence[mmx.Sample]) -> None:
        self.mistake = kind.mistake
        found = [kind.numbers(one) for one in samples]
        every = [number for row in found for number in row]
        mean = kind.mean
        if self.mistake == "standardised over all prepared rows":
            mean = sum(every) / max(1, len(every))
        self.rows = [torch.tensor([one - mean for one in row]) for row in found]
        self.keys = [self._key(kind, *pair) for pair in zip(samples, self.rows, strict=True)]
        self.unreadable = []
        if self.mistake == "nothing is a fault":
            self.unreadable = [
                RejectedRow(one.id, "has no file") for one in samples if not one.inputs
            ]

    def _key(self, kind: NumbersInput, sample: mmx.Sample, row: Tensor) -> str:
        what = row.numpy().tobytes()
        if self.mistake == "key of the path":
            what = str(sample.inputs.get(kind.name)).encode()
        if self.mistake == "key without the statistics":
            what = repr(kind.numbers(sample)).encode()
        if self.mistake == "key of the number of values":
            what = repr((len(row), kind.mean)).encode()
        return sha256(what).hexdigest()

    @property
    def present(self) -> Tensor:
        there = torch.tensor([len(row) > 0 for row in self.rows])
        if self.mistake == "nothing is a zero":
            there = torch.ones_like(there)
        return there.float() if self.mistake == "present is a number" else there

    def collate(self, rows: Sequence[int]) -> Numbers:
        order = sorted(rows) if self.mistake == "sorts the rows of a batch" else list(rows)
        chosen = [self.rows[row] for row in order]
        longest = max(1, *map(len, chosen))
        values = torch.stack([nn.functional.pad(row, (0, longest - len(row))) for row in chosen])
        if self.mistake == "standardised over the batch":
            values = values - values.mean()
        if self.mistake == "as few bits as a batch needs" and len(rows) == 1:
            values = values.half().float() if longest > 2 else values.double()
        return Numbers(values, self.present[order])


class NumbersParams(InputParams):
    """An input kind with a chosen mistake."""

    type: Literal["numbers"] = "numbers"
    input = NumbersInput
    mistake: str = Field(default="", description="what is wrong; empty: nothing")

    def encoder(self) -> nn.Module:
        return Reader(self.mistake)

    def example(self, name: str, folder: Path) -> Sequence[mmx.Sample]:
        texts = ("1.25 2.5", "", "3.5 1 2.75", "7.5", "2 9")
        samples = []
        for row, text in enumerate(texts):
            file = folder / f"{row}.txt"
            file.write_text(text)
            inputs = {name: file} if text else {}
            sample = mmx.Sample(f"row {row}", f"g{row}", inputs=inputs, record={"age": 40 + row})
            samples.append(sample)
        return samples


def test_one_without_a_mistake_keeps_all_laws(failing: Failing) -> None:
    assert failing(NumbersParams()) == {}


@pytest.mark.parametrize(("mistake", "law"), MISTAKES["input"].items())
def test_a_mistake_is_caught_by_its_law(caught: Caught, mistake: str, law: str) -> None:
    caught(NumbersParams(mistake=mistake), law)
