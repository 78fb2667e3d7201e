"""Draws of whole groups, and percentiles over them."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from mmx.evaluation.bootstrap import Draws, percentile_interval, resampled_weights


def test_each_draw_takes_as_many_groups_as_there_are() -> None:
    labels = csr_array(np.random.default_rng(0).integers(1, 3, (25, 3)))
    draws = Draws()
    weights = np.concatenate(list(resampled_weights(labels, 300, 0, draws)))
    assert weights.shape == (300, 25)
    assert (weights.sum(axis=1) == 25).all()
    assert draws.kept == 300
    assert weights.mean(axis=0) == pytest.approx(np.ones(25), abs=0.35)


def test_draws_without_a_class_are_thrown_away_and_counted() -> None:
    labels = np.eye(2)[[1] + [0] * 11]  # one group of class b: missing from about 1/e of all draws
    draws = Draws()
    weights = np.concatenate(list(resampled_weights(csr_array(labels), 500, 0, draws)))
    assert (weights @ labels > 0).all()
    assert draws.redrawn / (draws.redrawn + 500) == pytest.approx((11 / 12) ** 12, abs=0.06)


def test_percentiles_ignore_undefined_resamples_only() -> None:
    values = np.stack([np.arange(101.0), np.full(101, np.nan)], axis=1)
    values[0, 0] = np.nan
    low, high = percentile_interval(values)
    assert low[0] == pytest.approx(np.percentile(np.arange(1, 101), 2.5))
    assert high[0] == pytest.approx(np.percentile(np.arange(1, 101), 97.5))
    assert np.isnan(low[1])
    assert np.isnan(high[1])
