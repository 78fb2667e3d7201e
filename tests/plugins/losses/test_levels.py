"""Losses of ordered levels: likelihood by scipy, limits, order of the probabilities."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.stats import logistic
from torch import Tensor
from torch.nn import functional as F

import mmx
from mmx import LossParams, Outputs
from mmx.interfaces import Link

COUNTS = torch.tensor([40, 30, 20, 10])
NAMES = ("cumulative_link", "coral", "corn")
G = torch.Generator().manual_seed(5)
RAW = 2 * torch.randn(80, 3, generator=G, dtype=torch.float64)
TARGET = torch.randint(4, (80,), generator=G)


def made(name: str, counts: Tensor = COUNTS) -> tuple[Link, mmx.Loss]:
    params = mmx.Plugins().find("loss", name)()
    assert isinstance(params, LossParams)
    link = params.link(counts)
    assert link is not None
    return link.double(), params.build(counts)


def total(name: str, raw: Tensor, target: Tensor, counts: Tensor = COUNTS) -> Tensor:
    link, loss = made(name, counts)
    return loss(Outputs(link(raw[:, : link.inputs])), target, 0.0).total


def test_cumulative_link_is_the_likelihood_of_a_logistic_with_cut_points() -> None:
    link, _ = made("cumulative_link")
    cuts = link.thresholds.detach().numpy()  # type: ignore[operator, union-attr]
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    scale, levels = RAW[:, 0].numpy(), TARGET.numpy()
    p = logistic.cdf(edges[levels + 1] - scale) - logistic.cdf(edges[levels] - scale)
    found = total("cumulative_link", RAW, TARGET).detach()
    assert float(found) == pytest.approx(-np.log(p).mean())


def test_coral_is_a_binary_question_for_each_threshold() -> None:
    link, _ = made("coral")
    questions = (TARGET[:, None] > torch.arange(3)).double()
    wanted = F.binary_cross_entropy_with_logits(link(RAW[:, :1]), questions, reduction="none")
    torch.testing.assert_close(total("coral", RAW, TARGET), wanted.sum(dim=1).mean())


def test_corn_asks_only_rows_that_reached_the_level() -> None:
    terms = []
    for row, level in zip(RAW, TARGET.tolist(), strict=True):
        for k in range(3):
            if level >= k:
                answer = torch.tensor(float(level > k), dtype=torch.float64)
                terms.append(F.binary_cross_entropy_with_logits(row[k], answer))
    per_row = (40 * 1 + 30 * 2 + 20 * 3 + 10 * 3) / 100
    wanted = torch.stack(terms).sum() / (80 * per_row)
    torch.testing.assert_close(total("corn", RAW, TARGET), wanted)


def test_corn_gives_products_of_conditional_probabilities() -> None:
    link, _ = made("corn")
    above = RAW.sigmoid().cumprod(dim=1)
    wanted = torch.cat([1 - above[:, :1], -above.diff(dim=1), above[:, -1:]], dim=1)
    torch.testing.assert_close(link.log_probs(RAW).exp(), wanted)


def test_probabilities_of_levels_lead_back_to_the_logits_of_corn() -> None:
    link, _ = made("corn")
    logits = link(RAW)
    torch.testing.assert_close(link.logits(link.log_probs(logits)), logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_two_levels_are_the_binary_cross_entropy(name: str) -> None:
    counts, target = torch.tensor([50, 50]), TARGET % 2
    wanted = F.binary_cross_entropy_with_logits(RAW[:, 0], target.double())
    torch.testing.assert_close(total(name, RAW, target, counts), wanted)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1.0, 10.0, 30.0])
def test_probabilities_are_none_below_0_and_sum_to_1(name: str, size: float) -> None:
    link = made(name)[0].float()
    p = link.log_probs(link(size * RAW[:, : link.inputs].float())).exp()
    assert (p >= 0).all()
    torch.testing.assert_close(p.sum(dim=1), torch.ones(80), atol=1e-6, rtol=0)
    above = 1 - p.cumsum(dim=1)
    assert (above.diff(dim=1) <= 1e-6).all()


@pytest.mark.parametrize("name", ["cumulative_link", "coral"])
def test_levels_turned_round_mirror_the_scale(name: str) -> None:
    turned = total(name, -RAW, 3 - TARGET, COUNTS.flip(0))
    torch.testing.assert_close(total(name, RAW, TARGET), turned, rtol=1e-5, atol=1e-6)


def test_corn_has_a_direction() -> None:
    turned = total("corn", -RAW.flip(1), 3 - TARGET, COUNTS.flip(0))
    assert not torch.allclose(total("corn", RAW, TARGET), turned, rtol=1e-2)


@pytest.mark.parametrize("name", ["cumulative_link", "coral"])
def test_a_start_of_zero_gives_the_shares_of_the_training_part(name: str) -> None:
    link, _ = made(name)
    p = link.log_probs(link(torch.zeros(1, 1, dtype=torch.float64))).exp()[0]
    torch.testing.assert_close(p, COUNTS.double() / 100, atol=1e-6, rtol=0)


def test_the_fitted_thresholds_are_those_of_an_independent_fit() -> None:
    """Proportional odds on one covariate, by scipy and by the loss."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=600)
    y = np.digitize(1.3 * x + rng.logistic(size=600), [-1.0, 0.4, 2.0])
    counts = torch.from_numpy(np.bincount(y, minlength=4))

    def negative(theta: np.ndarray) -> float:
        edges = np.concatenate(
            [[-np.inf], theta[0] + np.cumsum([0, *np.exp(theta[1:3])]), [np.inf]]
        )
        p = logistic.cdf(edges[y + 1] - theta[3] * x) - logistic.cdf(edges[y] - theta[3] * x)
        return float(-np.log(p).mean())

    reference = minimize(negative, np.zeros(4), method="BFGS").fun
    link, loss = made("cumulative_link", counts)
    slope = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [slope, *link.parameters()], max_iter=200, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        raw = slope * torch.from_numpy(x)[:, None]
        value = loss(Outputs(link(raw)), torch.from_numpy(y), 0.0).total
        value.backward()
        return value

    optimizer.step(closure)  # type: ignore[arg-type]
    assert float(closure().detach()) == pytest.approx(reference, abs=1e-6)
