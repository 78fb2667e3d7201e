"""The probe beside its formula, minimised by scipy in double precision."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from mmx.evaluation import ProbeAnswers, ProbeRows, linear_probe
from mmx.evaluation.linear_probe import STRENGTHS


def drawn(rows: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Three classes, the rarest of one in ten, told by two of five channels of unequal size."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, rows, p=[0.6, 0.3, 0.1])
    centres = np.array([[0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 1.5, 0, 0, 0]])
    features = centres[labels] + rng.normal(size=(rows, 5))
    return (features * [1, 10, 0.1, 1, 0] + 3).astype(np.float32), labels


def never(found: object) -> float:
    return 0.0


def test_it_minimises_its_formula() -> None:
    (features, labels), (asked, _) = drawn(300, 0), drawn(50, 1)
    labels[:20] = -1
    chosen = STRENGTHS[3]
    order = iter([0.0, 0.1, 0.2, 1.0, 0.5, 0.4])
    found = linear_probe(
        ProbeRows(features, [labels]), asked, asked, [3], lambda answers: next(order)
    )
    assert found.strength == chosen
    known = labels >= 0
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread[spread < 1e-6] = 1
    x, z, y = (features[known] - mean) / spread, (asked - mean) / spread, labels[known]
    weights = (len(y) / (3 * np.bincount(y)))[y]

    def loss(flat: NDArray[np.float64]) -> float:
        w = flat[:15].reshape(5, 3)
        each = -log_softmax(x @ w + flat[15:], axis=1)[np.arange(len(y)), y]
        return float((weights * each).mean() + (w**2).sum() / (2 * chosen * len(y)))

    flat = minimize(loss, np.zeros(18), tol=1e-9).x
    expected = log_softmax(z @ flat[:15].reshape(5, 3) + flat[15:], axis=1)
    assert np.abs(found.test[0] - expected).max() < 0.01
    assert np.array_equal(found.test[0], found.validation[0])


def test_units_of_a_channel_change_nothing() -> None:
    (features, labels), (asked, _) = drawn(200, 2), drawn(40, 3)
    scale = np.array([1000, 1, 0.01, 5, 1], dtype=np.float32)
    one = linear_probe(ProbeRows(features, [labels]), asked, asked, [3], never)
    other = linear_probe(ProbeRows(features * scale, [labels]), asked * scale, asked, [3], never)
    assert np.abs(one.validation[0] - other.validation[0]).max() < 0.01


def test_the_search_ends_after_two_worse_strengths() -> None:
    (features, labels), (asked, _) = drawn(100, 4), drawn(20, 5)
    tried: list[int] = []

    def quality(found: object) -> float:
        tried.append(1)
        return -float(len(tried))

    found = linear_probe(ProbeRows(features, [labels]), asked, asked, [3], quality)
    assert found.strength == STRENGTHS[0]
    assert len(tried) == 3


@pytest.mark.parametrize(("only", "expected"), [(1, [0, 1, 0]), (-1, [1 / 3, 1 / 3, 1 / 3])])
def test_one_class_or_none_is_answered_always(only: int, expected: list[float]) -> None:
    features, labels = drawn(50, 6)
    found = linear_probe(
        ProbeRows(features, [np.full_like(labels, only)]), features, features, [3], never
    )
    assert np.allclose(np.exp(found.test[0]), expected, atol=1e-30)


def test_a_class_without_training_rows_is_as_good_as_impossible() -> None:
    features, labels = drawn(100, 7)
    found = linear_probe(ProbeRows(features, [labels % 2]), features, features, [3], never)
    assert (found.test[0][:, 2] < -80).all()
    assert np.allclose(np.exp(found.test[0]).sum(axis=1), 1)


def test_answers_come_back_from_plain_data() -> None:
    features, labels = drawn(60, 8)
    found = linear_probe(
        ProbeRows(features, [labels, labels % 2]), features, features[:5], [3, 2], never
    )
    again = ProbeAnswers.from_json(found.to_json())
    assert again.strength == found.strength
    for one, other in zip(found.test, again.test, strict=True):
        assert np.array_equal(one, other)
    with pytest.raises(KeyError):
        ProbeAnswers.from_json({"strength": 1})
