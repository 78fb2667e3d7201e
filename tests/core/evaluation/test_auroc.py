"""Areas against scikit-learn and slow loops; their intervals against Newcombe and simulation."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from mmx.evaluation.auroc import Area, area, mean_area, mean_of_many

Draw = Callable[..., tuple[NDArray[np.float64], NDArray[np.int64], list[str]]]


@pytest.mark.parametrize("ties", [False, True])
def test_influence_is_that_of_leaving_out_each_group(predictions: Draw, ties: bool) -> None:
    log_probs, labels, names = predictions(90, 3, groups=25, ties=ties)
    member = np.unique(names, return_inverse=True)[1]
    found = area(log_probs[:, 1], labels == 1, member)
    assert found is not None
    assert found.value == pytest.approx(roc_auc_score(labels == 1, log_probs[:, 1]))
    groups = int(member.max()) + 1
    without = np.array(
        [roc_auc_score(labels[member != g] == 1, log_probs[member != g, 1]) for g in range(groups)]
    )
    influence = (groups - 1) * (found.value - without)
    np.testing.assert_allclose(found.influence, influence - influence.mean(), atol=1e-9)
    assert 0 <= found.low < found.value < found.high <= 1


def test_single_rows_have_newcombes_interval_of_the_textbook() -> None:
    """Newcombe 2006 part 2: each bound lies 1.96 standard errors of itself from the area."""
    generator = np.random.default_rng(0)
    scores = generator.normal(size=60)
    positive = np.arange(60) < 25
    scores[positive] += 1
    found = area(scores, positive, np.arange(60))
    assert found is not None
    for bound in (found.low, found.high):
        other = 1 + (60 / 2 - 1) * ((1 - bound) / (2 - bound) + bound / (1 + bound))
        error = np.sqrt(bound * (1 - bound) * other / (25 * 35))
        assert abs(found.value - bound) == pytest.approx(norm.ppf(0.975) * error, abs=1e-9)


def test_a_perfect_ranking_leaves_room_below() -> None:
    positive = np.arange(30) < 6
    found = area(positive.astype(float), positive, np.arange(30))
    assert found is not None
    assert (found.value, found.high) == (1, 1)
    assert 0.6 < found.low < 0.95


def test_rows_that_repeat_within_a_group_add_nothing() -> None:
    generator = np.random.default_rng(1)
    positive = np.arange(40) < 15
    scores = generator.normal(size=40) + positive
    single = area(scores, positive, np.arange(40))
    copies = np.repeat(np.arange(40), 6)
    grouped = area(scores[copies], positive[copies], copies)
    assert single is not None
    assert grouped is not None
    assert grouped.value == pytest.approx(single.value)
    assert grouped.high - grouped.low == pytest.approx(single.high - single.low, rel=0.02)


def test_a_side_in_one_group_has_the_widest_interval() -> None:
    member = np.array([0, 0, 0, 0, 1, 2, 3, 4])
    positive = member == 0
    found = area(np.array([4.0, 5, 6, 7, 0, 1, 2, 3]), positive, member)
    assert found is not None
    assert found.low < 0.6
    assert not found.influence.any()


def test_without_positives_there_is_no_area() -> None:
    assert area(np.arange(3.0), np.zeros(3, dtype=bool), np.arange(3)) is None


def test_macro_interval_covers_the_truth() -> None:
    """Binormal scores, patients of 3 rows that share half the noise: the area is 0.921."""
    truth = float(norm.cdf(2 / np.sqrt(2)))
    generator, held = np.random.default_rng(5), []
    owner = np.repeat(np.arange(3), [20, 12, 8])
    member = np.repeat(np.arange(40), 3)
    for _ in range(300):
        shared = generator.normal(size=(40, 3))[member]
        scores = (shared + generator.normal(size=(120, 3))) / np.sqrt(2)
        labels = owner[member]
        scores[np.arange(120), labels] += 2
        areas = [area(scores[:, c], labels == c, member) for c in range(3)]
        found = mean_area([one for one in areas if one is not None])
        held.append(found.low <= truth <= found.high)
    assert np.mean(held) >= 0.95 - 3 * 0.0126


def some_areas(count: int, seed: int = 0) -> list[Area]:
    """Areas of labels over 40 groups."""
    draw = np.random.default_rng(seed)
    influence = draw.normal(0, 0.5, (count, 40))
    influence -= influence.mean(axis=1, keepdims=True)
    return [Area(0.8 + 0.01 * k, 0.6, 0.95, influence[k], np.ones(2)) for k in range(count)]


def test_the_mean_of_many_areas_is_a_t_interval_on_the_logit_scale() -> None:
    areas = some_areas(9)
    found = mean_of_many(areas)
    psi = np.mean([one.influence for one in areas], axis=0)
    value = float(np.mean([one.value for one in areas]))
    worth = (psi**2).sum() ** 2 / (psi**4).sum()
    half = stats.t.ppf(0.975, worth - 1) * np.sqrt((psi**2).sum() / (40 * 39)) / (value - value**2)
    ends = expit(logit(value) + np.array([-half, half]))
    assert (found.value, found.low, found.high) == pytest.approx((value, *ends))


def test_labels_without_a_mistake_widen_the_mean_downwards_alone() -> None:
    areas = some_areas(8)
    silent = [Area(1.0, 0.7, 1.0, np.zeros(40), np.ones(2))] * 2
    found = mean_of_many([*areas, *silent])
    bare = mean_of_many([*areas, *[Area(1.0, 1.0, 1.0, np.zeros(40), np.ones(2))] * 2])
    down = np.hypot(bare.value - bare.low, np.hypot(0.3, 0.3) / 10)
    assert found.value - found.low == pytest.approx(down)
    assert found.high == bare.high
    assert mean_of_many(silent) == mean_area(silent)  # nothing to judge a spread by
