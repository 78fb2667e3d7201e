"""The probes against scikit-learn, and against what they must not see."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from mmx.audit import logistic, probe
from mmx.audit.dates import as_numbers
from mmx.audit.logistic import fitted, probabilities
from mmx.audit.probe_columns import column
from mmx.audit.words import tf_idf


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
    ours, _ = fitted(matrix, weights)
    for fold in range(2):
        # of two classes scikit-learn learns the distance between their coefficients
        model = LogisticRegression(C=10 if classes > 2 else 20, tol=1e-8, max_iter=2000)
        model.fit(matrix, truth, sample_weight=weight[fold])
        own = ours[:, fold] - ours[:, fold].mean(axis=1, keepdims=True)
        found = model.coef_ if classes > 2 else np.concatenate([-model.coef_, model.coef_]) / 2
        theirs = (found - found.mean(axis=0)).T
        np.testing.assert_allclose(own, theirs, atol=0.01)
        theirs = model.predict_proba(matrix)
        np.testing.assert_allclose(probabilities(matrix, weights)[:, fold], theirs, atol=0.01)


@pytest.mark.parametrize("form", [np.asarray, csr_matrix])
def test_one_of_two_classes_is_learned_as_both_would_be(form: Callable[..., Any]) -> None:
    """Rows that count as both classes, or as none, and a fold that knows one class only."""
    draw = np.random.default_rng(1)
    matrix = form(draw.normal(size=(200, 5)))
    weights = draw.uniform(0, 2, (200, 4, 2)) * (draw.random((200, 4, 2)) < 0.7)
    weights[:, 3, 0] = 0
    both = logistic._of_all(matrix, weights)
    for one, other in zip(fitted(matrix, weights), both, strict=True):
        np.testing.assert_allclose(one[..., :3, :], other[..., :3, :], atol=1e-3)
    assert (probabilities(matrix, weights)[:, 3] == [0, 1]).all()


def test_the_words_are_those_of_scikit_learn() -> None:
    texts = ["A spot on the back.", "The spot, the SPOT on 2 feet", "", "back back back"]
    theirs = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    expected = theirs.fit_transform(texts)
    ours = tf_idf(texts)
    assert ours is not None
    assert ours.terms == theirs.get_feature_names_out().tolist()
    np.testing.assert_allclose(ours.matrix.toarray(), expected.toarray())


def test_texts_without_words_have_no_matrix() -> None:
    assert tf_idf(["", "!?"]) is None


def test_intervals_of_random_texts_hold_chance(rows: Any) -> None:
    """95 of 100 should; of 20, fewer than 16 would be an accident of 3 in 1,000."""
    held = 0
    for seed in range(20):
        draw = np.random.default_rng(seed)
        words = ["".join(map(chr, draw.integers(97, 123, 2))) for _ in range(180)]
        subject = replace(rows, n=180).with_texts(words).subject()
        matrix = tf_idf(sorted(set(words)))
        assert matrix is not None
        place = np.searchsorted(sorted(set(words)), words)
        predicted = probe.linear(subject, matrix.matrix, place).argmax(axis=1)
        found = probe.score(subject, predicted, "random")
        held += found.low <= 1 / 3 <= found.high
    assert held >= 16


def test_no_group_is_learned_from_and_scored(rows: Any) -> None:
    """A code of its own for each group would score 1 if a fold saw the group before."""
    subject = rows.subject()
    codes = np.arange(rows.n) // 2
    assert probe.quick(subject, probe.frequent(subject, codes)) < 0.5
    places = {}
    for group, fold in zip(subject.groups, subject.fold, strict=True):
        assert places.setdefault(group, fold) == fold


def test_classes_with_fewer_than_five_groups_are_not_probed(rows: Any) -> None:
    few = replace(rows, n=24).subject()  # four groups of each class
    assert len(few.probed) == 0
    assert "fewer than two classes" in probe.too_few(few)
    assert len(replace(rows, n=30).subject().probed) == 30


def test_many_rows_are_probed_by_whole_groups(rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmx.audit.subject.MOST_ROWS", 201)
    probed = rows.subject().probed
    assert len(probed) == 200
    assert (np.bincount(probed // 2)[np.unique(probed // 2)] == 2).all()


def test_numbers_are_binned_and_missing_ones_are_a_value() -> None:
    one = column("age", [None, 1.0, 2.0, *np.linspace(3, 9, 97)])
    assert one.codes[0] == 0
    assert (np.diff(one.codes[1:]) >= 0).all()
    words = column("site", [*["back"] * 5, None, "", *["foot"] * 5, "nose", 3.0])
    assert words.names == ("missing", "back", "foot", "other")
    assert words.codes.tolist() == [*[1] * 5, 0, 0, *[2] * 5, 3, 3]


def test_dates_and_measurements_are_numbers() -> None:
    forms = (
        ["2019-03-04", "2020-01-31"],
        ["4.3.2019", "31.1.2020"],
        ["4 Mar 2019", "31 Jan 2020"],
        ["2019\u5e743\u67084\u65e5", "2020\u5e741\u670831\u65e5"],
    )
    for cells in forms:
        assert as_numbers(cells) == [737122.0, 737455.0]
    assert as_numbers(["3,5 mm", "12 mm", "-1.25"]) == [3.5, 12.0, -1.25]
    assert as_numbers(["back", "2019-03-04"]) is None
    assert as_numbers(["30.2.2019"] * 20) is None  # there is no such day
