"""Logistic regression against scikit-learn's, which stands beside it here alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from mmx.evaluation import LogisticFit, label_probe, logistic, logistic_probabilities, probes
from mmx.evaluation.logistic import fitted
from mmx.evaluation.probes import class_probe

LOOSE, TIGHT = LogisticFit(0.1), LogisticFit(0.1, slope=1e-9, steps=2000)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_regression_is_that_of_scikit_learn(classes: int) -> None:
    draw = np.random.default_rng(0)
    matrix = draw.normal(size=(300, 6))
    size = (300, classes)
    truth = (matrix @ draw.normal(size=(6, classes)) + draw.normal(size=size)).argmax(axis=1)
    weight = draw.uniform(0.5, 2, (2, 300))
    weights = np.zeros((300, 2, classes))
    for fold in range(2):
        weights[np.arange(300), fold, truth] = weight[fold]
    ours, _ = fitted(matrix, weights, TIGHT)
    told, near = (logistic_probabilities(matrix, weights, matrix, one) for one in (TIGHT, LOOSE))
    for fold in range(2):
        # of two classes scikit-learn learns the distance between their coefficients
        model = LogisticRegression(C=10 if classes > 2 else 20, tol=1e-10, max_iter=10_000)
        model.fit(matrix, truth, sample_weight=weight[fold])
        own = ours[:, fold] - ours[:, fold].mean(axis=1, keepdims=True)
        found = model.coef_ if classes > 2 else np.concatenate([-model.coef_, model.coef_]) / 2
        np.testing.assert_allclose(own, (found - found.mean(axis=0)).T, atol=1e-6)
        theirs = model.predict_proba(matrix)
        np.testing.assert_allclose(told[:, fold], theirs, atol=1e-6)
        np.testing.assert_allclose(near[:, fold], theirs, atol=0.01)


@pytest.mark.parametrize("form", [np.asarray, csr_matrix])
def test_one_of_two_classes_is_learned_as_both_would_be(form: Callable[..., Any]) -> None:
    """Rows that count as both classes, or as none, and a fold that knows one class only."""
    draw = np.random.default_rng(1)
    matrix = form(draw.normal(size=(200, 5)))
    weights = draw.uniform(0, 2, (200, 4, 2)) * (draw.random((200, 4, 2)) < 0.7)
    weights[:, 3, 0] = 0
    both = logistic._of_all(matrix, weights, LOOSE)
    for one, other in zip(fitted(matrix, weights, LOOSE), both, strict=True):
        np.testing.assert_allclose(one[..., :3, :], other[..., :3, :], atol=1e-3)
    assert (logistic_probabilities(matrix, weights, matrix, LOOSE)[:, 3] == [0, 1]).all()


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes that are fitted to the last digits, not to three or four."""
    monkeypatch.setattr(probes, "SLOPE", 1e-9)


def drawn(classes: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """More features than rows, of which some are opposites; classes of odd sizes."""
    draw = np.random.default_rng(classes)
    features = draw.normal(size=(110, 90)).astype(np.float32)
    features[:, 60:] = -features[:, :30]
    shift = np.arange(classes) * 0.8
    labels = (features[:, :classes] + draw.normal(size=(110, classes)) + shift).argmax(axis=1)
    return features[:70], labels[:70], features[70:]


@pytest.mark.parametrize("form", [np.asarray, csr_matrix])
@pytest.mark.parametrize("strength", [1e-5, 1e-2, 1.0])
@pytest.mark.parametrize("known", [2, 3, 5])
def test_a_probe_of_classes_is_that_of_scikit_learn(
    exact: None, form: Callable[..., Any], strength: float, known: int
) -> None:
    """Two of the classes have no row; where two are left, they are learned as two."""
    train, labels, test = drawn(known)
    labels += labels > 0  # nobody has class 1, nor the last
    prior = np.arange(known + 2.0) + 1
    weights = (prior / np.bincount(labels, minlength=known + 2).clip(min=1))[labels]
    model = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-12)
    model.fit(train.astype(float), labels, sample_weight=weights / weights.mean())
    expected = np.zeros((40, known + 2))
    expected[:, model.classes_] = model.predict_proba(test.astype(float))
    found = class_probe(form(train), labels, form(test), prior / prior.sum(), strength)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("form", [np.asarray, csr_matrix])
@pytest.mark.parametrize("strength", [1e-5, 1e-2, 1.0])
def test_a_probe_of_labels_is_that_of_scikit_learn(
    exact: None, monkeypatch: pytest.MonkeyPatch, form: Callable[..., Any], strength: float
) -> None:
    """Each on the rows in which it is known, some at once; one label has rows of one kind only."""
    monkeypatch.setattr(probes, "TOGETHER", 2)
    train, _, test = drawn(2)
    draw = np.random.default_rng(0)
    target = (train[:, :6] + draw.normal(size=(70, 6)) > 0.5).astype(np.int64)
    target[draw.random((70, 6)) < 0.3] = -1
    target[:, 2] = np.minimum(target[:, 2], 0)
    absent = np.linspace(0.1, 0.6, 6)
    found = label_probe(form(train), target, form(test), absent, strength)
    for label, column in enumerate(target.T):
        known = column >= 0
        if label == 2:
            assert (found[:, label] == absent[label]).all()
            continue
        model = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-12)
        model.fit(train[known].astype(float), column[known])
        expected = model.predict_proba(test.astype(float))[:, 1]
        np.testing.assert_allclose(found[:, label], expected, atol=1e-6)


@pytest.mark.parametrize("strength", [1e-5, 1e-2, 1.0])
def test_where_a_probe_stops_it_is_as_near_as_that_of_scikit_learn(strength: float) -> None:
    train, labels, test = drawn(4)
    settings: dict[str, Any] = {"C": strength, "class_weight": "balanced"}
    exact, theirs = (
        LogisticRegression(**settings, **more).fit(train, labels).predict_proba(test)
        for more in ({"tol": 1e-10, "max_iter": 20_000}, {})
    )
    found = class_probe(train, labels, test, np.full(4, 0.25), strength)
    assert np.abs(found - exact).max() <= max(1e-3, np.abs(theirs - exact).max())
