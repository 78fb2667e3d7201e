"""Laws of cutting batches."""

from typing import Any

import pytest
import torch

from mmx.training.batches import cut, load, steps_of


@pytest.mark.parametrize("rows", [1, 5, 31, 32, 33, 64, 65, 66])
@pytest.mark.parametrize("processes", [1, 2])
def test_every_row_is_in_one_batch_and_none_is_too_small(rows: int, processes: int) -> None:
    batches = cut(range(rows), 32, processes)
    assert [row for batch in batches for row in batch] == list(range(rows))
    assert len(batches) == 1 or min(map(len, batches)) >= 2 * processes


def test_batches_of_one_stay_when_asked_for() -> None:
    assert cut(range(3), 1) == [(0,), (1,), (2,)]


def test_batches_accumulate_into_steps() -> None:
    assert list(map(len, steps_of(cut(range(50), 8), 3))) == [3, 3, 1]


@pytest.mark.parametrize("workers", [0, 1])
def test_workers_change_no_batch(tiny: Any, workers: int) -> None:
    part = tiny.TinyPart(20, 0)
    torch.set_num_threads(1)
    fetched = list(load(part, [(3, 1), (7,), (0, 2, 4)], workers))
    assert [target.tolist() for _, target in fetched] == [
        part.labels[[3, 1]].tolist(), part.labels[[7]].tolist(), part.labels[[0, 2, 4]].tolist(),
    ]  # fmt: skip
    torch.testing.assert_close(fetched[2][0].inputs["image"].pooled, part.image[[0, 2, 4]])
