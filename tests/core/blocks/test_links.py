"""Links of the usual targets: probabilities, order, and rounding at the ends."""

import pytest
import torch
from scipy.special import expit

from mmx import ShapeError
from mmx.blocks import Cumulative, Sigmoid, Softmax, level_log_probs
from mmx.interfaces import Link

COUNTS = torch.tensor([50, 30, 15, 5])
LINKS = (Softmax(4), Sigmoid(4), Cumulative(COUNTS))


@pytest.mark.parametrize("link", LINKS, ids=lambda link: type(link).__name__)
@pytest.mark.parametrize("size", [1.0, 30.0, 1e4])
def test_probabilities_sum_to_one_on_the_last_axis(link: Link, size: float) -> None:
    raw = size * torch.randn(50, link.inputs, generator=torch.Generator().manual_seed(1))
    log_probs = link.log_probs(link(raw))
    assert log_probs.isfinite().all() or size > 100
    assert (log_probs <= 0).all()
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(log_probs.shape[:-1]))


@pytest.mark.parametrize("link", LINKS, ids=lambda link: type(link).__name__)
def test_probabilities_lead_back_to_logits(link: Link) -> None:
    raw = 5 * torch.randn(50, link.inputs, generator=torch.Generator().manual_seed(2)).double()
    log_probs = link.double().log_probs(link(raw))
    torch.testing.assert_close(link.log_probs(link.logits(log_probs + 3)), log_probs)


def test_a_link_without_a_way_back_says_so() -> None:
    class OneWay(Softmax):
        logits = Link.logits

    with pytest.raises(ShapeError, match=r"OneWay does not say .* use a fusion of features"):
        OneWay(3).logits(torch.zeros(2, 3))


def test_a_scale_of_zero_starts_at_the_shares_of_the_training_part() -> None:
    link = Cumulative(COUNTS)
    found = link.log_probs(link(torch.zeros(1, 1))).exp()[0]
    torch.testing.assert_close(found, COUNTS / COUNTS.sum())
    assert Cumulative(torch.tensor([5, 0, 5])).thresholds.isfinite().all()


def test_thresholds_stay_in_order_whatever_their_parameters_are() -> None:
    link = Cumulative(COUNTS)
    with torch.no_grad():
        link.gaps.copy_(torch.tensor([-9.0, 4.0]))
    assert (link.thresholds.diff() > 0).all()
    above = link(torch.linspace(-9, 9, 40)[:, None]).sigmoid()
    assert (above.diff(dim=1) <= 0).all()


def test_level_probabilities_are_differences_of_the_cumulative_ones() -> None:
    logits = torch.tensor([[2.0, 0.5, -1.0], [9.0, 8.0, 7.5], [-3.0, -3.1, -20.0]]).double()
    above = expit(logits.numpy())
    wanted = torch.from_numpy(above).new_tensor(
        [[1 - a, a - b, b - c, c] for a, b, c in above.tolist()]
    )
    torch.testing.assert_close(level_log_probs(logits).exp(), wanted)


def test_levels_turned_round_mirror_the_scale() -> None:
    link, mirrored = Cumulative(COUNTS), Cumulative(COUNTS.flip(0))
    scale = torch.linspace(-4, 4, 9)[:, None]
    torch.testing.assert_close(
        link.log_probs(link(scale)), mirrored.log_probs(mirrored(-scale)).flip(1),
        atol=1e-5, rtol=1e-4,
    )  # fmt: skip


def test_gradients_are_finite_for_extreme_scales_and_equal_thresholds() -> None:
    link = Cumulative(COUNTS)
    with torch.no_grad():
        link.gaps.fill_(-200.0)  # softplus gives 0
    scale = torch.tensor([[1e4], [-1e4], [0.0]], requires_grad=True)
    log_probs = link.log_probs(link(scale))
    log_probs.sum().backward()
    assert log_probs.isfinite().all()
    for slope in (scale.grad, link.gaps.grad):
        assert slope is not None
        assert slope.isfinite().all()
