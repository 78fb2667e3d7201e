"""Effective n: between groups and rows, equal to the rows where each has a group of its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmx.evaluation.effective import clustered_shares


@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 5))
def test_lies_between_one_row_per_group_and_all_rows(seed: int, groups: int, classes: int) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.integers(0, 6, (groups, classes))
    right = generator.binomial(rows, 0.7)
    found = clustered_shares(rows, right)
    here = found.rows > 0
    least = found.rows[here] ** 2 / (rows**2).sum(axis=0)[here]
    assert (found.effective[here] <= found.rows[here] + 1e-9).all()
    assert (found.effective[here] >= least - 1e-9).all()
    assert np.isnan(found.share[~here]).all()
    assert 0 <= found.correlation <= 1


def test_single_rows_are_worth_what_they_are() -> None:
    rows = np.ones((12, 1))
    found = clustered_shares(rows, np.arange(12)[:, None] < 5)
    assert found.effective[0] == 12
    assert found.share[0] == pytest.approx(5 / 12)


def test_follows_the_formula_step_by_step() -> None:
    rows = np.array([[4, 0], [2, 1], [0, 3], [1, 0]])
    right = np.array([[4, 0], [1, 1], [0, 1], [0, 0]])
    p = np.array([5 / 7, 2 / 4])
    q = p * (1 - p)
    residual = right - p * rows
    between = np.array([3 / 2, 2 / 1]) * (residual**2).sum(axis=0)
    squares = np.array([21, 10])
    raw = (between - np.array([7, 4]) * q).sum() / (q * (squares - np.array([7, 4]))).sum()
    wrong = (np.array([7, 4]) * q).sum()
    rho = (wrong * min(max(raw, 0), 1) + 1) / (wrong + 1)
    found = clustered_shares(rows, right)
    assert found.correlation == pytest.approx(rho)
    expected = np.array([7, 4]) / (1 + rho * (squares / np.array([7, 4]) - 1))
    np.testing.assert_allclose(found.effective, expected)
    np.testing.assert_allclose(found.largest, [4 / 7, 3 / 4])


def test_many_data_sets_at_once_equal_each_of_them() -> None:
    generator = np.random.default_rng(3)
    rows = generator.integers(0, 5, (4, 9, 3))
    right = generator.binomial(rows, 0.6)
    together = clustered_shares(rows, right)
    for index in range(4):
        alone = clustered_shares(rows[index], right[index])
        np.testing.assert_allclose(together.effective[index], alone.effective)
        np.testing.assert_allclose(together.residuals[index], alone.residuals)


def test_where_all_is_right_a_group_counts_once() -> None:
    rows = np.array([[3], [1], [5]])
    found = clustered_shares(rows, rows)
    assert found.correlation == 1
    assert found.effective[0] == pytest.approx(81 / 35)
