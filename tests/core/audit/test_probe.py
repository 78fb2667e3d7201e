"""The words against scikit-learn, and the probes against what they must not see."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from mmx.audit import probe
from mmx.audit.dates import as_numbers
from mmx.audit.probe_columns import column
from mmx.audit.words import tf_idf


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
