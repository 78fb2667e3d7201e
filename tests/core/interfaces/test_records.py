"""Records on their way from samples to an encoder."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import pytest
import torch

from mmx import Features, Sample, ShapeError
from mmx.interfaces import FeatureShape, Record, RecordEncoder, Records, RecordsInput, RecordStore


class Ages(RecordEncoder):
    """Reads one number; knows its mean."""

    def __init__(self) -> None:
        super().__init__()
        self.shape = FeatureShape(1)

    def fit(self, records: Sequence[Record], excluded: Mapping[str, str]) -> str:
        known = [float(one["age"]) for one in records if one["age"] is not None]
        return str(sum(known) / len(known))

    def learn_columns(self, fitted: str) -> None:
        self.mean, self.fields = float(fitted), ("age",)

    def tabulate(self, records: Sequence[Record]) -> Records:
        ages = [one["age"] for one in records]
        known = torch.tensor([[age is not None] for age in ages])
        values = torch.tensor([[float("nan") if a is None else float(a) - self.mean] for a in ages])
        return Records(values, torch.zeros(len(ages), 1, dtype=torch.int64), known)

    def forward(self, records: Records) -> Features:
        return Features.of_pooled(records.values, records.present)


def samples(*ages: float | None) -> list[Sample]:
    return [Sample(str(row), str(row), record={"age": age}) for row, age in enumerate(ages)]


def stored(rows: list[Sample], statistics: str) -> RecordStore:
    given = RecordsInput("record", Ages())
    given.restore(statistics)
    return given.prepare(SimpleNamespace(samples=rows))  # type: ignore[arg-type]


def test_what_is_fitted_is_given_back() -> None:
    given = RecordsInput("record", Ages())
    statistics = given.fit(samples(40.0, None, 60.0), {})
    assert statistics == "50.0"
    given.restore(statistics)
    assert given.fields == ("age",)


def test_rows_come_in_the_order_asked_for() -> None:
    store = stored(samples(40.0, None, 60.0), "50.0")
    assert store.present.tolist() == [True, False, True]
    found = store.collate([2, 0])
    assert found.values.tolist() == [[10.0], [-10.0]]
    assert store.collate([1]).present.tolist() == [False]


def test_rows_share_a_key_where_they_hold_the_same_and_nowhere_else() -> None:
    store = stored(samples(40.0, None, 40.0, None, 41.0), "50.0")
    assert store.keys[0] == store.keys[2]
    assert store.keys[1] == store.keys[3]
    assert len(set(store.keys)) == 3


def test_other_statistics_are_other_keys() -> None:
    first, second = (stored(samples(40.0), mean) for mean in ("50.0", "50.5"))
    assert not {*first.keys} & {*second.keys}


def test_an_encoder_of_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match="is no RecordEncoder"):
        RecordsInput("record", torch.nn.Identity()).fit([], {})


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"must all be \[B, K\]"):
        Records(torch.zeros(2, 3), torch.zeros(2, 2), torch.ones(2, 3, dtype=torch.bool))
