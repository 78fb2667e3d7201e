"""A curve that would gain from more epochs is told from one that would not."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import linregress

from mmx.evaluation.convergence import _slope, convergence


def _flagged(epochs: int, gain: float, noise: float, draws: int = 1500) -> float:
    """Share of curves called rising that approach a limit and would gain so much when doubled.

    Args:
        epochs: of each curve, mean of three seeds.
        gain: between the last epoch and twice as many, in points.
        noise: standard deviation of one seed, in points.
        draws: simulated curves.
    """
    time = np.arange(1, epochs + 1)
    if gain:
        grid = np.linspace(0.2, 2 * epochs, 4000)
        gains = 30 * (np.exp(-epochs / grid) - np.exp(-2 * epochs / grid))
        slow = grid[np.argmin(np.abs(np.where(grid < 1.4 * epochs, gains, 99) - gain))]
        shape = 70 - 30 * np.exp(-time / slow)
    else:
        shape = np.full(epochs, 70.0)
    generator = np.random.default_rng(0)
    curves = shape + generator.normal(0, noise / np.sqrt(3), (draws, epochs))
    return float(np.mean([convergence(curve / 100).rising for curve in curves]))


@pytest.mark.parametrize(
    ("epochs", "gain", "noise", "low", "high"),
    [
        (8, 0.0, 1.5, 0.0, 0.14),
        (8, 7.0, 1.5, 0.93, 1.0),
        (20, 0.0, 1.5, 0.0, 0.14),
        (20, 3.5, 1.5, 0.95, 1.0),
        (20, 7.0, 3.0, 0.9, 1.0),
    ],
)
def test_how_often_a_curve_is_called_rising(
    epochs: int, gain: float, noise: float, low: float, high: float
) -> None:
    assert low <= _flagged(epochs, gain, noise) <= high


def test_the_slope_is_that_of_scipy() -> None:
    values = np.random.default_rng(0).normal(size=11)
    wanted: Any = linregress(np.arange(11), values)
    assert _slope(values) == pytest.approx((wanted.slope, wanted.stderr))


def test_below_eight_epochs_nothing_is_judged() -> None:
    found = convergence([0.7] * 7)
    assert (found.judged, found.rising) == (False, True)
    assert found.words == "7 epochs: convergence not judged"
    assert convergence([0.7]).words == "1 epoch: convergence not judged"


def test_a_flat_curve_and_a_falling_one_have_flattened() -> None:
    assert convergence([0.7] * 8).words == "flattened"
    assert convergence([0.9 - 0.02 * epoch for epoch in range(10)]).words == "flattened"
    assert convergence([0.5 + 0.02 * epoch for epoch in range(10)]).words == (
        "still rising at 10 epochs"
    )
