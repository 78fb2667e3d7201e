"""Means over clustered rows against textbook formulas, in their limits, and by simulation."""

import math

import numpy as np
import pytest
from scipy.stats import t

from mmx.evaluation.jackknife import confidence_gap, mean_loss, mean_of_losses


def test_single_rows_have_students_interval_on_the_log_scale() -> None:
    losses = np.random.default_rng(0).gamma(2, 0.3, 80)
    found = mean_loss(losses, np.ones(80))
    centred = losses - losses.mean()
    worth = (centred**2).sum() ** 2 / (centred**4).sum()
    error = losses.std(ddof=1) / math.sqrt(80)
    half = t.ppf(0.975, worth - 1) * error / losses.mean()
    assert found.value == pytest.approx(losses.mean())
    assert (found.low, found.high) == pytest.approx(
        (losses.mean() * math.exp(-half), losses.mean() * math.exp(half))
    )


def test_no_spread_or_one_group_gives_no_interval() -> None:
    assert mean_loss(np.full(9, 0.5), np.ones(9)).ends() == ""
    assert mean_loss(np.array([3.0]), np.array([5.0])).ends() == ""
    assert mean_loss(np.zeros(9), np.ones(9)).ends() == ""
    assert confidence_gap(np.array([0.9]), np.array([1.0]), np.array([1.0])).ends() == ""


def test_the_mean_loss_is_covered() -> None:
    """Sixty patients with 1 to 4 rows; each patient has a level of its own; the mean is 0.7."""
    generator, held = np.random.default_rng(3), []
    for _ in range(400):
        rows = generator.integers(1, 5, 60).astype(float)
        level = generator.gamma(2, 0.35, 60)
        found = mean_loss(level * rows, rows)
        held.append(found.low <= 0.7 <= found.high)
    assert np.mean(held) >= 0.95 - 3 * 0.011


def test_the_gap_of_a_calibrated_model_is_covered() -> None:
    generator, held = np.random.default_rng(4), []
    for _ in range(400):
        confidence = generator.uniform(0.5, 1, 40)
        right = (generator.random(40) < confidence).astype(float)
        found = confidence_gap(confidence, right, np.ones(40))
        held.append(found.low <= 0 <= found.high)
    assert np.mean(held) >= 0.95 - 3 * 0.011


def test_losses_of_rows_are_those_of_their_groups() -> None:
    losses, groups = np.array([1.0, 2.0, 4.0, 0.5, 3.0]), ["b", "a", "b", "c", "a"]
    assert mean_of_losses(losses, groups) == mean_loss(
        np.array([5.0, 5.0, 0.5]), np.array([2.0, 2, 1])
    )
    assert mean_of_losses(losses, groups, most=4.0).high <= 4.0
