"""Bounds against SciPy, what they are in their limits, and how often they hold the truth."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta, binomtest

from mmx.evaluation.bounds import alignments, clopper_pearson, jeffreys, mean_share, mover
from mmx.evaluation.effective import clustered_shares

Counts = tuple[NDArray[np.float64], NDArray[np.float64]]
Draw = Callable[..., Counts]


@pytest.mark.parametrize(("hits", "rows"), [(0, 9), (1, 9), (5, 9), (9, 9), (480, 500)])
def test_single_rows_of_one_class_have_the_exact_binomial_interval(hits: int, rows: int) -> None:
    right = (np.arange(rows) < hits)[:, None]
    value, low, high = mean_share(clustered_shares(np.ones((rows, 1)), right))
    expected = binomtest(hits, rows).proportion_ci(0.95, method="exact")
    assert value == pytest.approx(hits / rows)
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_jeffreys_is_the_beta_interval_but_for_its_ends() -> None:
    low, high = jeffreys(np.array([0.0, 0.3, 1.0]), np.array([10.0, 7.5, 10.0]))
    assert low[0] == 0
    assert high[2] == 1
    assert (low[1], high[1]) == pytest.approx(beta.ppf([0.025, 0.975], 2.25 + 0.5, 5.25 + 0.5))
    assert 0 < high[0] < 0.25
    assert 0.75 < low[2] < 1


def test_sixty_thirty_and_ten_single_rows_all_right() -> None:
    rows = np.eye(3)[np.repeat([0, 1, 2], [60, 30, 10])]
    value, low, high = mean_share(clustered_shares(rows, rows))
    assert (value, high) == (1, 1)
    assert low == pytest.approx(0.888, abs=5e-4)  # evaluation-2, 1.2


@pytest.mark.parametrize("right", [0, 1])
def test_no_interval_is_a_point(right: int) -> None:
    rows = np.array([[3.0, 0], [1, 0], [0, 2], [0, 1]])
    value, low, high = mean_share(clustered_shares(rows, rows * right))
    assert value == right
    assert high - low > 0.5  # two groups of each class


def test_a_class_without_rows_is_left_out() -> None:
    rows = np.array([[3.0, 0, 0], [2, 0, 1], [4, 0, 2]])
    right = np.array([[2.0, 0, 0], [2, 0, 1], [1, 0, 1]])
    alone = mean_share(clustered_shares(rows[:, [0, 2]], right[:, [0, 2]]))
    assert mean_share(clustered_shares(rows, right)) == pytest.approx(alone)


def test_classes_that_err_together_have_the_wider_interval() -> None:
    rows = np.full((20, 2), 4.0)
    together = np.repeat([[4.0, 4.0], [1.0, 1.0]], 10, axis=0)
    against = np.repeat([[4.0, 1.0], [1.0, 4.0]], 10, axis=0)
    _, low, high = mean_share(clustered_shares(rows, together))
    _, nearer, sooner = mean_share(clustered_shares(rows, against))
    assert high - low > sooner - nearer
    np.testing.assert_allclose(alignments(clustered_shares(rows, against).residuals)[0, 1], -1)


def test_mover_of_normal_intervals_adds_variances() -> None:
    value, half = np.array([0.4, 0.6]), np.array([0.03, 0.04])
    weights = np.array([0.5, 0.5])
    total, low, high = mover(value, (value - half, value + half), weights, np.eye(2))
    assert (total, low, high) == pytest.approx((0.5, 0.475, 0.525))


def test_missing_shares_have_no_bounds() -> None:
    for bounds in (clopper_pearson, jeffreys):
        assert np.isnan(bounds(np.array([np.nan]), np.array([0.0]))).all()


@pytest.mark.parametrize("truth", [0.8, 0.97])
@pytest.mark.parametrize("groups", [(9, 5, 3, 3), (45, 20, 12, 23)])
def test_balanced_accuracy_is_covered_also_near_one(
    clustered: Draw, groups: tuple[int, ...], truth: float
) -> None:
    """Of 600 data sets; the Monte-Carlo error of the share is 0.9 points at 95 %."""
    rows, right = clustered(groups, truth, sets=600, correlation=0.5, seed=7)
    _, low, high = mean_share(clustered_shares(rows, right))
    covered = ((low <= truth) & (truth <= high)).mean()
    assert covered >= 0.95 - 3 * 0.009
    assert (high - low > 0.005).all()


def test_one_share_is_covered(clustered: Draw) -> None:
    rows, right = clustered((30,), 0.9, sets=800, correlation=0.4, seed=2)
    found = clustered_shares(rows, right)
    low, high = jeffreys(found.share, found.effective)
    assert ((low <= 0.9) & (high >= 0.9)).mean() >= 0.95 - 3 * 0.008
