"""Laws of loss.logit_adjusted."""

import torch
from torch.nn import functional as F

from mmx import Outputs
from mmx_plugins.losses.logit_adjusted import LogitAdjustedParams

# nv, mel, bkl, bcc, akiec, vasc, df
HAM10000 = torch.tensor([6705, 1113, 1099, 514, 327, 142, 115])
LOGITS = torch.randn(9, 7, generator=torch.Generator().manual_seed(0))
TARGET = torch.tensor([0, 1, 2, 3, 4, 5, 6, 0, 0])


def test_even_classes_give_the_cross_entropy() -> None:
    loss = LogitAdjustedParams().build(torch.full((7,), 20))
    expected = F.cross_entropy(LOGITS, TARGET)
    torch.testing.assert_close(loss(Outputs(LOGITS), TARGET, 0.0).total, expected)


def test_tau_one_is_the_balanced_softmax() -> None:
    weighted = HAM10000 * LOGITS.exp()
    p = weighted[torch.arange(9), TARGET] / weighted.sum(dim=1)
    loss = LogitAdjustedParams().build(HAM10000)
    torch.testing.assert_close(loss(Outputs(LOGITS), TARGET, 0.0).total, -p.log().mean())


def test_has_the_published_offsets_on_ham10000() -> None:
    offsets = LogitAdjustedParams().build(HAM10000).offsets
    torch.testing.assert_close(offsets[[0, 6]], torch.tensor([-0.40, -4.47]), atol=5e-3, rtol=0)


def test_trained_with_the_prior_it_predicts_from_the_plain_logits() -> None:
    assert LogitAdjustedParams().build(HAM10000).adjust(LOGITS) is LOGITS


def test_post_hoc_trains_the_cross_entropy_and_takes_the_prior_away_afterwards() -> None:
    loss = LogitAdjustedParams(mode="post_hoc", tau=0.5).build(HAM10000)
    expected = F.cross_entropy(LOGITS, TARGET)
    torch.testing.assert_close(loss(Outputs(LOGITS), TARGET, 0.0).total, expected)
    prior = HAM10000 / HAM10000.sum()
    torch.testing.assert_close(loss.adjust(LOGITS), LOGITS - 0.5 * prior.log())


def test_post_hoc_with_tau_zero_changes_nothing() -> None:
    loss = LogitAdjustedParams(mode="post_hoc", tau=0).build(HAM10000)
    assert torch.equal(loss.adjust(LOGITS), LOGITS)
