"""Bins of equal mass."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmx.evaluation.calibration import equal_mass_bins


@pytest.mark.parametrize("rows", [1, 4, 15, 16, 100])
def test_without_ties_all_bins_hold_the_same_number_up_to_one(rows: int) -> None:
    values = np.random.default_rng(rows).random(rows)
    counts = np.bincount(equal_mass_bins(values))
    assert len(counts) == min(rows, 15)
    assert counts.max() - counts.min() <= 1


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.integers(0, 1000))
def test_equal_values_share_a_bin_and_bins_rise_whatever_the_order(
    drawn: list[int], seed: int
) -> None:
    values = np.array(drawn, dtype=float)
    bins = equal_mass_bins(values)
    order = np.random.default_rng(seed).permutation(len(values))
    np.testing.assert_array_equal(equal_mass_bins(values[order]), bins[order])
    ranked = bins[np.argsort(values, kind="stable")]
    assert (np.diff(ranked) >= 0).all()
    assert all(len(set(bins[values == value])) == 1 for value in values)
    assert bins.min() >= 0
    assert bins.max() < 15
