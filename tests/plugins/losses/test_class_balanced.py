"""Laws of loss.class_balanced."""

import pytest
import torch
from torch.nn import functional as F

from mmx import Outputs
from mmx_plugins.losses.class_balanced import ClassBalancedParams, effective_weights

# nv, mel, bkl, bcc, akiec, vasc, df
HAM10000 = torch.tensor([6705, 1113, 1099, 514, 327, 142, 115])
LOGITS = torch.randn(9, 7, generator=torch.Generator().manual_seed(0))
TARGET = torch.tensor([0, 1, 2, 3, 4, 5, 6, 0, 0])


def test_has_the_published_weights_on_ham10000() -> None:
    expected = torch.tensor([0.062, 0.288, 0.292, 0.606, 0.944, 2.15, 2.66])
    weights = effective_weights(HAM10000, 0.9999)
    torch.testing.assert_close(weights, expected, rtol=6e-3, atol=0)
    assert round(float(weights.max() / weights.min())) == 43


def test_a_smaller_beta_is_milder() -> None:
    weights = effective_weights(HAM10000, 0.999)
    assert round(float(weights.max() / weights.min())) == 9


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.9999])
def test_weights_sum_to_the_number_of_classes(beta: float) -> None:
    torch.testing.assert_close(effective_weights(HAM10000, beta).sum(), torch.tensor(7.0))


def test_beta_zero_is_the_cross_entropy() -> None:
    loss = ClassBalancedParams(beta=0).build(HAM10000)
    expected = F.cross_entropy(LOGITS, TARGET)
    torch.testing.assert_close(loss(Outputs(LOGITS), TARGET, 0.0).total, expected)


def test_beta_towards_one_weighs_by_inverse_frequency() -> None:
    inverse = 1 / HAM10000.double()
    expected = (7 * inverse / inverse.sum()).float()
    torch.testing.assert_close(effective_weights(HAM10000, 1 - 1e-12), expected, rtol=1e-4, atol=0)


def test_equals_the_weighted_mean_of_cross_entropies() -> None:
    loss = ClassBalancedParams().build(HAM10000)
    raw = torch.tensor([(1 - 0.9999) / (1 - 0.9999 ** int(n)) for n in HAM10000])
    each = F.cross_entropy(LOGITS, TARGET, reduction="none")
    expected = ((7 * raw / raw.sum())[TARGET] * each).mean()
    torch.testing.assert_close(
        loss(Outputs(LOGITS), TARGET, 0.0).total, expected, rtol=1e-4, atol=0
    )


def test_a_class_without_a_row_keeps_the_weights_finite() -> None:
    assert effective_weights(torch.tensor([5, 0]), 0.9999).isfinite().all()
