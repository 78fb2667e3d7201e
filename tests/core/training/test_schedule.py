"""Closed forms of the learning rates."""

import math
import warnings
from typing import Any

import pytest
import torch

from mmx.training.schedule import rate_factor


def test_cosine_with_warmup() -> None:
    factors = [rate_factor("cosine", step, 100, 0.1) for step in range(100)]
    assert factors[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])
    assert factors[10] == 1
    assert factors[55] == pytest.approx(0.5)
    assert factors[99] == pytest.approx((1 + math.cos(math.pi * 89 / 90)) / 2)


def test_constant_with_warmup() -> None:
    factors = [rate_factor("constant", step, 10, 0.2) for step in range(10)]
    assert factors == pytest.approx([1 / 3, 2 / 3, *[1] * 8])


@pytest.mark.parametrize("steps", [10, 37, 400])
def test_one_cycle_is_that_of_torch(steps: int) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    oracle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, steps, cycle_momentum=False)
    for step in range(steps):
        expected = optimizer.param_groups[0]["lr"]
        assert rate_factor("one_cycle", step, steps, 0.0) == pytest.approx(expected)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns that no optimiser step was made
            oracle.step() if step + 1 < steps else None


@pytest.mark.parametrize("schedule", ["cosine", "constant", "one_cycle"])
@pytest.mark.parametrize("steps", [1, 2, 3, 50])
def test_every_rate_is_positive_and_at_most_the_given_one(schedule: Any, steps: int) -> None:
    for warmup in (0.0, 0.05, 0.9):
        for step in range(steps):
            assert 0 < rate_factor(schedule, step, steps, warmup) <= 1 + 1e-12
