"""Differences of numbers' scores between methods, as the regression package makes them."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

SOURCE = Path(__file__).parent / "regression" / "src"
Numbers = NDArray[np.float64]


@pytest.fixture
def statistics(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SOURCE)
    return importlib.import_module("mmx_regression.statistics")


def drawn() -> tuple[dict[str, Numbers], Numbers, NDArray[np.int64]]:
    """Two methods with two seeds, numbers with a long tail, 12 groups of 1 to 9 rows."""
    generator = np.random.default_rng(0)
    member = np.repeat(np.arange(12), generator.integers(1, 10, size=12))
    target = np.exp(generator.normal(size=len(member)))
    answers = {
        name: target * (1 + noise * generator.normal(size=(2, len(member))))
        for name, noise in (("base", 0.3), ("method", 0.4))
    }
    return answers, target, member


def test_groups_that_change_places_change_the_difference_of_r2_by_what_they_add(
    statistics: ModuleType,
) -> None:
    answers, target, member = drawn()
    score = statistics.scores(answers, target, member.astype(str).tolist(), ["r2"])["r2"]
    signs = np.random.default_rng(1).choice([-1.0, 1.0], size=(20, 12))
    order = np.unique(member.astype(str), return_inverse=True)[1]  # groups are sorted as words
    for drawn_signs, found in zip(signs, score.flipped(signs, "method", "base"), strict=True):
        stays = drawn_signs[order] > 0
        ours = np.where(stays, answers["method"], answers["base"])
        theirs = np.where(stays, answers["base"], answers["method"])
        of_ours, of_theirs = (
            np.mean([statistics.r2(seed, target) for seed in seeds]) for seeds in (ours, theirs)
        )
        assert found == pytest.approx(of_ours - of_theirs, abs=1e-12)
    assert score.difference("method", "base") == pytest.approx(
        score.flipped(np.ones((1, 12)), "method", "base")[0], abs=1e-12
    )


def test_where_all_cases_are_the_same_nobody_explains_anything(statistics: ModuleType) -> None:
    answers, target, member = drawn()
    score = statistics.scores(answers, np.ones_like(target), member.astype(str).tolist(), ["r2"])
    assert score["r2"].difference("method", "base") == 0
