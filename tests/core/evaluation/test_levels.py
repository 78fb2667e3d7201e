"""Scores of ordered levels: values as scikit-learn has them, decisions, intervals."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, mean_absolute_error

from mmx.evaluation import decide_level, evaluate, evaluate_levels, quick_levels
from mmx.evaluation.kappa import kappa_of, moments, quadratic_kappa
from mmx.evaluation.level_error import macro_absolute_error, sides

LEVELS = ("none", "mild", "moderate", "severe")


def drawn(seed: int = 0, rows: int = 300, groups: int = 80):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    member = rng.integers(groups, size=rows)
    labels = rng.choice(4, rows, p=[0.4, 0.3, 0.2, 0.1])
    centre = labels + rng.normal(size=groups)[member] * 0.7 + rng.normal(size=rows) * 0.7
    logits = -2.0 * (centre[:, None] - np.arange(4)) ** 2
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return log_probs, labels, [f"p{one}" for one in member], member.astype(np.int64)


@pytest.mark.parametrize("decision", ["median", "argmax", "mean"])
def test_values_are_those_of_scikit_learn(decision: str) -> None:
    log_probs, labels, groups, _ = drawn()
    answers = decide_level(log_probs, decision)  # type: ignore[arg-type]
    found = evaluate_levels(log_probs, labels, groups, LEVELS, decision=decision)  # type: ignore[arg-type]
    kappa = cohen_kappa_score(labels, answers, weights="quadratic")
    assert found.metrics["quadratic_kappa"].value == pytest.approx(kappa, abs=1e-9)
    errors = [mean_absolute_error(labels[labels == c], answers[labels == c]) for c in range(4)]
    wanted = pytest.approx(np.mean(errors), abs=1e-9)
    assert found.metrics["macro_absolute_error"].value == wanted
    balanced = balanced_accuracy_score(labels, answers)
    assert found.metrics["balanced_accuracy"].value == pytest.approx(balanced, abs=1e-9)
    assert next(iter(found.metrics)) == "quadratic_kappa"
    quick = quick_levels(log_probs, labels, decision)  # type: ignore[arg-type]
    for name, value in quick.items():
        assert value == pytest.approx(found.metrics[name].value, abs=1e-9)


def test_argmax_is_what_evaluate_scores() -> None:
    log_probs, labels, groups, _ = drawn(1)
    plain = evaluate(log_probs, labels, groups, LEVELS)
    found = evaluate_levels(log_probs, labels, groups, LEVELS, decision="argmax")
    assert found.confusion == plain.confusion
    assert {name: found.metrics[name] for name in plain.metrics} == dict(plain.metrics)


def test_decisions_differ_where_levels_far_apart_are_probable() -> None:
    log_probs = np.log([[0.45, 0.05, 0.1, 0.4]])
    assert decide_level(log_probs, "argmax").tolist() == [0]
    assert decide_level(log_probs, "median").tolist() == [1]
    assert decide_level(np.log([[0.5, 0.5]])).tolist() == [0]
    assert decide_level(np.log([[0.6, 0.05, 0.05, 0.3]]), "mean").tolist() == [1]


def test_the_influence_of_a_group_is_that_of_leaving_it_out() -> None:
    log_probs, labels, _, member = drawn(2, rows=60, groups=9)
    answers = decide_level(log_probs)
    value, influence = kappa_of(moments(answers, labels, member))
    without = [
        cohen_kappa_score(labels[member != g], answers[member != g], weights="quadratic")
        for g in range(9)
    ]
    wanted = 8 * (value - np.array(without))
    np.testing.assert_allclose(influence, wanted - wanted.mean(), atol=1e-9)


def test_sides_count_the_thresholds_between_answer_and_level() -> None:
    log_probs, labels, _, member = drawn(3)
    answers = decide_level(log_probs)
    rows, wrong = sides(answers, labels, member, 4)
    assert wrong.sum() == np.abs(answers - labels).sum()
    assert (wrong <= rows).all()
    assert rows[:, ::3].sum() == len(labels)


def test_all_right_has_an_error_of_zero_that_is_not_certain() -> None:
    labels = np.repeat(np.arange(3), 10)
    found = macro_absolute_error(labels, labels, np.arange(30), 3)
    assert found.value == found.low == 0
    assert 0.1 < found.high < 0.6
    kappa = quadratic_kappa(labels, labels, np.arange(30))
    assert kappa.value == 1
    assert np.isnan(kappa.low)


def test_one_level_alone_has_no_kappa() -> None:
    ones = np.ones(9, dtype=np.int64)
    assert np.isnan(quadratic_kappa(ones, ones, np.arange(9)).value)
    assert np.isnan(macro_absolute_error(ones, ones, np.arange(9), 3).low)


def test_doubled_rows_of_a_group_tell_nothing_new() -> None:
    log_probs, labels, groups, _ = drawn(4, rows=120, groups=10**6)
    one = evaluate_levels(log_probs, labels, groups, LEVELS).metrics
    twice = evaluate_levels(
        np.repeat(log_probs, 2, axis=0), np.repeat(labels, 2), list(np.repeat(groups, 2)), LEVELS
    ).metrics
    for name in ("quadratic_kappa", "macro_absolute_error", "ranked_probability"):
        assert twice[name].value == pytest.approx(one[name].value)
        width = one[name].high - one[name].low
        assert twice[name].high - twice[name].low == pytest.approx(width, rel=0.05)
