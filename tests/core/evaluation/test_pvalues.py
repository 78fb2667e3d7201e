"""P-values against scipy and against their definitions."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import binom

from mmx.evaluation.pvalues import floor, holm, mcnemar


def _pairs(gained: int, lost: int) -> tuple[np.ndarray, np.ndarray]:
    ours = np.array([True] * gained + [False] * lost + [True] * 50 + [False] * 10)
    theirs = np.array([False] * gained + [True] * lost + [True] * 50 + [False] * 10)
    return ours, theirs


@pytest.mark.parametrize(("gained", "lost"), [(3, 9), (12, 12), (0, 5), (24, 0)])
def test_few_discordant_pairs_are_judged_exactly(gained: int, lost: int) -> None:
    found = mcnemar(*_pairs(gained, lost))
    wanted = min(1.0, 2 * binom.cdf(min(gained, lost), gained + lost, 0.5))
    assert found.exact
    assert (found.gained, found.lost) == (gained, lost)
    assert found.p == pytest.approx(wanted)


def test_many_discordant_pairs_are_judged_by_chi_squared() -> None:
    found = mcnemar(*_pairs(121, 59))  # Edwards: (|121 - 59| - 1)^2 / 180 = 20.67
    assert not found.exact
    assert found.p == pytest.approx(5.45e-6, rel=0.01)
    assert mcnemar(*_pairs(20, 20)).p == 1


def test_no_discordant_pair_is_no_difference() -> None:
    assert mcnemar(*_pairs(0, 0)).p == 1


def _closed_testing(values: list[float]) -> list[float]:
    """Holm by its reason: a hypothesis falls when every set that holds it falls by Bonferroni."""
    sets = [s for size in range(1, len(values) + 1) for s in combinations(range(len(values)), size)]
    return [
        max(min(1.0, len(s) * min(values[k] for k in s)) for s in sets if index in s)
        for index in range(len(values))
    ]


def test_holm_is_closed_testing_with_bonferroni() -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        values = (generator.random(5) ** 3).round(2).tolist()
        assert holm(values) == pytest.approx(_closed_testing(values))
    assert holm([]) == []


def test_the_floor_is_one_more_than_the_flips() -> None:
    assert floor(999) == 1 / 1000
