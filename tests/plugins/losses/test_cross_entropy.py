"""Laws of loss.cross_entropy."""

import pytest
import torch
from torch.nn import functional as F

from mmx import Outputs, ShapeError
from mmx_plugins.losses.cross_entropy import CrossEntropyParams

COUNTS = torch.tensor([50, 30, 5])
LOGITS = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0], [2.0, 2.0, -1.0], [0.3, 0.1, 0.2]])
TARGET = torch.tensor([0, 1, 2, 0])


def score(**settings: object) -> torch.Tensor:
    loss = CrossEntropyParams.model_validate(settings).build(COUNTS)
    return loss(Outputs(LOGITS), TARGET, 0.0).total


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_equals_that_of_torch_with_any_smoothing(smoothing: float) -> None:
    expected = F.cross_entropy(LOGITS, TARGET, label_smoothing=smoothing)
    torch.testing.assert_close(score(smoothing=smoothing), expected)


def test_its_minimum_is_the_entropy_of_the_smoothed_target() -> None:
    smoothed = torch.tensor([[0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3]])
    loss = CrossEntropyParams(smoothing=0.1).build(COUNTS)
    logits = smoothed.log().requires_grad_()
    total = loss(Outputs(logits), torch.tensor([0]), 0.0).total
    total.backward()
    torch.testing.assert_close(total.detach(), -(smoothed * smoothed.log()).sum())
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros(1, 3))


def test_a_listed_weight_multiplies_the_samples_of_its_class() -> None:
    each = F.cross_entropy(LOGITS, TARGET, reduction="none")
    expected = (torch.tensor([2.0, 3.0, 4.0, 2.0]) * each).mean()
    torch.testing.assert_close(score(weights=[2, 3, 4]), expected)


def test_inverse_frequency_weights_have_mean_one() -> None:
    loss = CrossEntropyParams(weights="inverse_frequency").build(COUNTS)
    raw = torch.tensor([1 / 50, 1 / 30, 1 / 5])
    torch.testing.assert_close(loss.weights, raw / raw.mean())


def test_a_class_without_a_row_keeps_the_weights_finite() -> None:
    loss = CrossEntropyParams(weights="inverse_frequency").build(torch.tensor([50, 0, 5]))
    assert loss.weights.isfinite().all()


def test_weights_must_be_one_for_each_class() -> None:
    with pytest.raises(ShapeError, match="each of the 3 classes, got 2"):
        CrossEntropyParams(weights=(1.0, 2.0)).build(COUNTS)


def test_it_rebalances_only_with_weights() -> None:
    assert not CrossEntropyParams().rebalances
    assert CrossEntropyParams(weights="inverse_frequency").rebalances
