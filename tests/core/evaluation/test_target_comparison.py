"""Comparisons of methods on several labels and on ordered levels."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, mean_absolute_error, roc_auc_score

from mmx.errors import DataError
from mmx.evaluation import compare, compare_labels
from mmx.evaluation.class_scores import COUNTED
from mmx.evaluation.counted_rows import count_answers
from mmx.evaluation.level_error import macro_absolute_error
from mmx.evaluation.level_error_score import level_error


def ordered(seed: int = 0, rows: int = 150, groups: int = 40):  # type: ignore[no-untyped-def]
    """Answers of two methods, labels and groups."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(4, size=rows)
    answers = {
        name: np.clip(labels + np.round(rng.normal(size=(1, rows)) * spread), 0, 3).astype(int)
        for name, spread in (("a", 0.6), ("b", 1.0))
    }
    return answers, labels, [str(one) for one in rng.integers(groups, size=rows)]


def test_flipped_kappa_is_that_of_exchanged_answers() -> None:
    answers, labels, groups = ordered()
    score = COUNTED["quadratic_kappa"](count_answers(answers, labels, groups, 4))
    member = np.unique(groups, return_inverse=True)[1]
    rng = np.random.default_rng(1)
    for _ in range(5):
        signs = rng.choice([-1.0, 1.0], size=score.groups)
        kept = signs[member] > 0
        ours = np.where(kept, answers["a"][0], answers["b"][0])
        theirs = np.where(kept, answers["b"][0], answers["a"][0])
        wanted = cohen_kappa_score(labels, ours, weights="quadratic") - cohen_kappa_score(
            labels, theirs, weights="quadratic"
        )
        assert score.flipped(signs[None], "a", "b")[0] == pytest.approx(wanted, abs=1e-9)


def test_kappa_is_compared_beside_the_other_metrics() -> None:
    answers, labels, groups = ordered()
    found = compare(
        answers, labels, groups, 4, base="b", metrics=["quadratic_kappa", "balanced_accuracy"]
    )
    (contrast,) = found.contrasts["quadratic_kappa"]
    kappas = [cohen_kappa_score(labels, answers[one][0], weights="quadratic") for one in "ab"]
    assert contrast.difference.value == pytest.approx(kappas[0] - kappas[1], abs=1e-9)
    assert contrast.difference.low < contrast.difference.value < contrast.difference.high
    assert found.scores["quadratic_kappa"]["a"].value == pytest.approx(kappas[0], abs=1e-9)


def test_equal_answers_differ_by_nothing_but_hide_something() -> None:
    answers, labels, groups = ordered()
    found = compare(
        {"a": answers["a"], "c": answers["a"].copy()}, labels, groups, 4, base="a",
        metrics=["quadratic_kappa"],
    ).contrasts["quadratic_kappa"][0]  # fmt: skip
    assert found.silent
    assert found.p == 1
    assert found.difference.low < 0 < found.difference.high


def several(seed: int = 0, groups: int = 60, worse: float = 1.0):  # type: ignore[no-untyped-def]
    """Probabilities of two methods for three labels, target and groups."""
    rng = np.random.default_rng(seed)
    member = np.repeat(np.arange(groups), rng.integers(1, 4, size=groups))
    truth = (rng.random((len(member), 3)) < [0.5, 0.3, 0.2]).astype(np.int64)
    target = np.where(rng.random(truth.shape) < 0.1, -1, truth)
    shared = rng.normal(size=(groups, 3))[member]
    probs = {
        name: 1 / (1 + np.exp(-(2 * truth + shared + size * rng.normal(size=truth.shape))))[None]
        for name, size in (("a", 1.0), ("b", worse))
    }
    return probs, target, [str(one) for one in member]


def mean_area(probs, target):  # type: ignore[no-untyped-def]
    known = target >= 0
    return np.mean([roc_auc_score(target[k, c], probs[k, c]) for c, k in enumerate(known.T)])


def test_the_difference_of_macro_auroc_is_that_of_scikit_learn() -> None:
    probs, target, groups = several(worse=2.0)
    found = compare_labels(probs, target, groups, base="b")
    (contrast,) = found.contrasts["macro_auroc"]
    wanted = mean_area(probs["a"][0], target) - mean_area(probs["b"][0], target)
    assert contrast.difference.value == pytest.approx(wanted, abs=1e-9)
    assert contrast.p < 0.05
    assert contrast.conditional
    assert contrast.pairs == ()
    assert set(found.contrasts) == {"macro_auroc", "macro_average_precision"}


def test_exchanging_the_methods_turns_the_difference_round() -> None:
    probs, target, groups = several(worse=2.0)
    one = compare_labels(probs, target, groups, base="b").contrasts["macro_auroc"][0]
    other = compare_labels(probs, target, groups, base="a").contrasts["macro_auroc"][0]
    assert one.p == other.p
    assert one.difference.value == pytest.approx(-other.difference.value)
    assert one.difference.low == pytest.approx(-other.difference.high, abs=1e-3)


def test_equal_probabilities_differ_by_nothing_but_hide_something() -> None:
    probs, target, groups = several()
    same = {"a": probs["a"], "c": probs["a"].copy()}
    found = compare_labels(same, target, groups, base="a").contrasts["macro_auroc"][0]
    assert found.silent
    assert found.p == 1
    assert found.difference.low < 0 < found.difference.high


def test_methods_that_are_alike_are_seldom_told_apart() -> None:
    small = sum(
        compare_labels(*several(seed), base="a", metrics=["macro_auroc"], flips=400)
        .contrasts["macro_auroc"][0]
        .p
        <= 0.05
        for seed in range(120)
    )
    assert 0 <= small <= 13  # 5 % of 120 is 6; 13 has a chance of 0.3 %


def test_training_seeds_widen_the_interval() -> None:
    probs, target, groups = several(worse=1.5)
    rng = np.random.default_rng(3)
    many = {
        name: np.clip(one + rng.normal(size=(3, *one.shape[1:])) * 0.15, 0, 1)
        for name, one in probs.items()
    }
    found = compare_labels(many, target, groups, base="b").contrasts["macro_auroc"][0]
    assert not found.conditional
    assert found.difference.low < found.difference.value


def test_what_cannot_be_compared_is_refused() -> None:
    probs, target, groups = several()
    with pytest.raises(DataError, match="no metric 'accuracy'"):
        compare_labels(probs, target, groups, base="a", metrics=["accuracy"])
    with pytest.raises(DataError, match="there is no 'z'"):
        compare_labels(probs, target, groups, base="z")
    with pytest.raises(DataError, match="three groups"):
        compare_labels(probs, np.abs(target) * 0, groups, base="a")
    with pytest.raises(DataError, match="probabilities of"):
        compare_labels({"a": probs["a"][0]}, target, groups, base="a")


def macro_error(labels: np.ndarray, answers: np.ndarray) -> float:
    """Mean over the levels that occur of scikit-learn's mean absolute error."""
    rows = [labels == level for level in np.unique(labels)]
    return float(np.mean([mean_absolute_error(labels[of], answers[of]) for of in rows]))


def test_flipped_errors_are_those_of_exchanged_answers() -> None:
    answers, labels, groups = ordered()
    kept_rows = np.flatnonzero(labels != 2)  # a level that does not occur
    answers = {name: of[:, kept_rows] for name, of in answers.items()}
    labels, groups = labels[kept_rows], [groups[row] for row in kept_rows]
    score = level_error(answers, labels, groups, 4)
    member = np.unique(groups, return_inverse=True)[1]
    rng = np.random.default_rng(1)
    for _ in range(5):
        signs = rng.choice([-1.0, 1.0], size=score.groups)
        kept = signs[member] > 0
        ours = np.where(kept, answers["a"][0], answers["b"][0])
        theirs = np.where(kept, answers["b"][0], answers["a"][0])
        wanted = macro_error(labels, ours) - macro_error(labels, theirs)
        assert score.flipped(signs[None], "a", "b")[0] == pytest.approx(wanted, abs=1e-12)


def test_a_smaller_error_is_better() -> None:
    answers, labels, groups = ordered(rows=400, groups=120)
    found = compare(
        {name: np.repeat(of, 2, axis=0) for name, of in answers.items()}, labels, groups, 4,
        base="b", metrics=["macro_absolute_error"],
    )  # fmt: skip
    (contrast,) = found.contrasts["macro_absolute_error"]
    errors = [macro_error(labels, answers[one][0]) for one in "ab"]
    assert contrast.difference.value == pytest.approx(errors[0] - errors[1], abs=1e-12)
    assert contrast.difference.low < contrast.difference.value < contrast.difference.high < 0
    assert (contrast.direction, contrast.verdict) == (1, "better")
    own = found.scores["macro_absolute_error"]["a"]
    assert own == macro_absolute_error(answers["a"][0], labels, _members(groups), 4)
    (alone,) = compare(
        answers, labels, groups, 4, base="a", metrics=["macro_absolute_error"]
    ).contrasts["macro_absolute_error"]
    assert (alone.direction, alone.verdict) == (-1, "erred more on these rows")


def _members(groups: list[str]) -> np.ndarray:
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def test_differences_of_several_levels_are_not_cut_at_one() -> None:
    labels = np.tile([0, 4], 40)
    answers = {"far": (4 - labels)[None], "near": labels[None]}
    (contrast,) = compare(
        answers, labels, [str(row // 2) for row in range(80)], 5, base="near",
        metrics=["macro_absolute_error"],
    ).contrasts["macro_absolute_error"]  # fmt: skip
    assert contrast.difference.value == 4
    assert 2 < contrast.difference.low <= 4 == contrast.difference.high


def test_equal_answers_hide_an_error_of_one_level() -> None:
    answers, labels, groups = ordered()
    (found,) = compare(
        {"a": answers["a"], "c": answers["a"].copy()}, labels, groups, 4, base="a",
        metrics=["macro_absolute_error"],
    ).contrasts["macro_absolute_error"]  # fmt: skip
    assert found.silent
    assert found.p == 1
    assert -1 < found.difference.low < 0 < found.difference.high < 1
