"""Laws of loss.focal."""

import pytest
import torch
from torch.nn import functional as F

from mmx import Outputs
from mmx_plugins.losses.focal import FocalParams

COUNTS = torch.tensor([50, 30, 5])
LOGITS = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0], [2.0, 2.0, -1.0], [0.3, 0.1, 0.2]])
TARGET = torch.tensor([0, 1, 2, 0])


def score(logits: torch.Tensor = LOGITS, **settings: object) -> torch.Tensor:
    loss = FocalParams.model_validate(settings).build(COUNTS)
    return loss(Outputs(logits), TARGET[: len(logits)], 0.0).total


def test_equals_the_formula() -> None:
    p = LOGITS.softmax(dim=1)[torch.arange(4), TARGET]
    raw = torch.tensor([1 / 50, 1 / 30, 1 / 5])
    alpha = (raw / raw.mean())[TARGET]
    expected = (-alpha * (1 - p) ** 2 * p.log()).mean()
    torch.testing.assert_close(score(alpha="inverse_frequency"), expected)


def test_without_focus_it_is_the_cross_entropy() -> None:
    torch.testing.assert_close(score(gamma=0), F.cross_entropy(LOGITS, TARGET))


@pytest.mark.parametrize("gamma", [0.5, 1, 2, 5])
def test_never_exceeds_the_cross_entropy(gamma: float) -> None:
    for row in range(4):
        one = LOGITS[row : row + 1]
        loss = FocalParams(gamma=gamma).build(COUNTS)
        value = loss(Outputs(one), TARGET[row : row + 1], 0.0).total
        assert value <= F.cross_entropy(one, TARGET[row : row + 1])


def test_is_linear_in_alpha() -> None:
    loss = FocalParams().build(COUNTS)
    before = loss(Outputs(LOGITS), TARGET, 0.0).total
    loss.alpha *= 3
    torch.testing.assert_close(loss(Outputs(LOGITS), TARGET, 0.0).total, 3 * before)


@pytest.mark.parametrize("gamma", [0.3, 1, 2])
def test_the_gradient_vanishes_as_the_answer_becomes_certain(gamma: float) -> None:
    norms = []
    for height in (2.0, 6.0, 12.0, 1e4):
        logits = torch.tensor([[height, 0.0, 0.0]], requires_grad=True)
        score(logits, gamma=gamma).backward()
        assert logits.grad is not None
        norms.append(float(logits.grad.norm()))
    assert norms == sorted(norms, reverse=True)
    assert norms[-1] == 0


def test_it_rebalances_only_with_alpha() -> None:
    assert not FocalParams().rebalances
    assert FocalParams(alpha="inverse_frequency").rebalances
