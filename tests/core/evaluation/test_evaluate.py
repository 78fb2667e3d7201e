"""Values against scikit-learn, and against plain loops where it has no such score."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sk

from mmx.errors import DataError
from mmx.evaluation import Evaluation, evaluate, quick_scores

Draw = Callable[..., tuple[NDArray[np.float64], NDArray[np.int64], list[str]]]
ABC = ("akiec", "bcc", "bkl")


@pytest.mark.parametrize("ties", [False, True])
def test_values_are_those_of_scikit_learn(predictions: Draw, ties: bool) -> None:
    log_probs, labels, groups = predictions(120, 3, groups=40, ties=ties)
    found = evaluate(log_probs, labels, groups, ABC)
    value = {name: interval.value for name, interval in found.metrics.items()}
    predicted, truth = log_probs.argmax(axis=1), np.eye(3)[labels]
    assert value["balanced_accuracy"] == pytest.approx(
        sk.balanced_accuracy_score(labels, predicted)
    )
    assert value["accuracy"] == pytest.approx(sk.accuracy_score(labels, predicted))
    assert value["macro_f1"] == pytest.approx(sk.f1_score(labels, predicted, average="macro"))
    assert value["macro_auroc"] == pytest.approx(sk.roc_auc_score(truth, log_probs))
    assert value["nll"] == pytest.approx(sk.log_loss(labels, np.exp(log_probs)))
    brier = [sk.brier_score_loss(truth[:, c], np.exp(log_probs[:, c])) for c in range(3)]
    assert value["brier"] == pytest.approx(sum(brier))
    np.testing.assert_array_equal(found.confusion, sk.confusion_matrix(labels, predicted))


def test_class_scores_are_those_of_scikit_learn(predictions: Draw) -> None:
    log_probs, labels, groups = predictions(90, 3, groups=30)
    found = evaluate(log_probs, labels, groups, ABC)
    predicted = log_probs.argmax(axis=1)
    expected = np.array(sk.precision_recall_fscore_support(labels, predicted))
    precision, recall, f1, support = expected
    for index, scores in enumerate(found.per_class):
        assert scores.precision.value == pytest.approx(precision[index])
        assert scores.sensitivity.value == pytest.approx(recall[index])
        assert scores.f1.value == pytest.approx(f1[index])
        assert scores.support == support[index]
        assert scores.specificity.value == pytest.approx(
            sk.recall_score(labels != index, predicted != index)
        )
        assert scores.auroc.value == pytest.approx(
            sk.roc_auc_score(labels == index, log_probs[:, index])
        )
        members = {group for group, label in zip(groups, labels, strict=True) if label == index}
        assert scores.groups == len(members)
        assert scores.predicted == (predicted == index).sum()


def test_calibration_errors_are_gaps_in_bins_of_equal_mass(predictions: Draw) -> None:
    log_probs, labels, groups = predictions(100, 3, groups=30)
    found = evaluate(log_probs, labels, groups, ABC)
    probs = np.exp(log_probs)

    def error(confidence: NDArray[Any], right: NDArray[Any]) -> float:
        total = 0.0
        for rows in np.array_split(np.argsort(confidence), 15):
            total += len(rows) / 100 * abs(confidence[rows].mean() - right[rows].mean())
        return total

    top = error(probs.max(axis=1), probs.argmax(axis=1) == labels)
    assert found.metrics["ece"].value == pytest.approx(top)
    each = [error(probs[:, c], labels == c) for c in range(3)]
    assert found.metrics["classwise_ece"].value == pytest.approx(np.mean(each))


def test_reliability_bins_hold_all_rows_and_their_gap_is_the_ece(predictions: Draw) -> None:
    log_probs, labels, groups = predictions(100, 3, groups=30)
    found = evaluate(log_probs, labels, groups, ABC)
    bins = found.reliability
    assert sum(each.count for each in bins) == 100
    assert {each.count for each in bins} == {6, 7}
    gap = sum(each.count / 100 * abs(each.confidence - each.accuracy.value) for each in bins)
    assert found.metrics["ece"].value == pytest.approx(gap)
    assert all(0 <= each.accuracy.low <= each.accuracy.high <= 1 for each in bins)


def test_a_class_without_samples_is_named_and_left_out_of_averages(predictions: Draw) -> None:
    log_probs, labels, groups = predictions(80, 4, groups=30)
    kept = labels != 2
    log_probs, labels = log_probs[kept], labels[kept]
    groups = [group for group, keep in zip(groups, kept, strict=True) if keep]
    found = evaluate(log_probs, labels, groups, ("a", "b", "c", "d"))
    assert found.absent_classes == ("c",)
    assert "no samples of c" in found.notes[0]
    assert math.isnan(found.per_class[2].sensitivity.value)
    assert math.isnan(found.per_class[2].auroc.value)
    assert math.isnan(found.per_class[2].f1.low)
    assert [curve.name for curve in found.roc] == ["a", "b", "d"]
    predicted = log_probs.argmax(axis=1)
    recalls = [(predicted[labels == c] == c).mean() for c in (0, 1, 3)]
    assert found.metrics["balanced_accuracy"].value == pytest.approx(np.mean(recalls))
    f1 = sk.f1_score(labels, predicted, labels=[0, 1, 3], average="macro")
    assert found.metrics["macro_f1"].value == pytest.approx(f1)
    aurocs = [sk.roc_auc_score(labels == c, log_probs[:, c]) for c in (0, 1, 3)]
    assert found.metrics["macro_auroc"].value == pytest.approx(np.mean(aurocs))


def test_a_class_that_is_never_predicted_has_no_precision_and_an_f1_of_zero() -> None:
    log_probs = np.log([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    found = evaluate(log_probs, np.array([0, 0, 1]), ["x", "y", "z"], ("a", "b"))
    assert math.isnan(found.per_class[1].precision.value)
    assert found.per_class[1].f1.value == 0
    assert found.metrics["balanced_accuracy"].value == 0.5


def test_one_class_alone_has_accuracy_but_no_auroc() -> None:
    log_probs = np.log([[0.9, 0.1], [0.4, 0.6]])
    found = evaluate(log_probs, np.array([0, 0]), ["x", "y"], ("a", "b"))
    assert found.metrics["accuracy"].value == 0.5
    assert math.isnan(found.metrics["macro_auroc"].value)
    assert math.isnan(found.metrics["macro_auroc"].low)
    assert math.isnan(found.metrics["balanced_accuracy"].low)
    assert 0 < found.metrics["accuracy"].low < 0.5 < found.metrics["accuracy"].high < 1
    assert any("of one class" in note for note in found.notes)
    assert found.roc == ()


def test_all_right_leaves_room_below_and_names_one_end() -> None:
    labels = np.repeat([0, 1, 2], [20, 8, 3])
    log_probs = np.log(np.full((31, 3), 0.01) + 0.97 * np.eye(3)[labels])
    found = evaluate(log_probs, labels, [str(row) for row in range(31)], ABC)
    for name in ("balanced_accuracy", "accuracy", "macro_f1", "macro_auroc"):
        interval = found.metrics[name]
        assert interval.value == interval.high == 1
        assert 0.3 < interval.low < 0.99
        assert interval.ends().startswith("at least 0.")
    for scores in found.per_class:
        assert scores.sensitivity.low < 1 - 1 / scores.groups**1.5
        assert scores.auroc.low < 1
    gap = found.metrics["confidence_gap"]
    assert gap.low < -0.01 < gap.value + 0.011
    assert gap.high > 0.03  # 31 right answers do not prove that all others are right
    assert any("bcc rests on 8, bkl rests on 3 groups" in note for note in found.notes)


def test_a_class_of_two_groups_has_counts_instead_of_an_interval() -> None:
    labels = np.array([0] * 12 + [1, 1, 1])
    groups = [str(row) for row in range(12)] + ["x", "x", "y"]
    answers = labels.copy()
    answers[12] = 0
    log_probs = np.log(0.1 + 0.8 * np.eye(2)[answers])
    found = evaluate(log_probs, labels, groups, ("a", "b"))
    rare = found.per_class[1]
    assert (rare.groups, rare.right_groups) == (2, 1)
    assert rare.sensitivity.ends() == rare.f1.ends() == rare.auroc.ends() == ""
    assert found.metrics["balanced_accuracy"].high - found.metrics["balanced_accuracy"].low > 0.3
    assert any("all found: b 1 of 2" in note for note in found.notes)


def test_one_group_alone_says_next_to_nothing() -> None:
    labels = np.array([0, 1] * 50)
    answers = np.where(np.arange(100) < 90, labels, 1 - labels)
    found = evaluate(np.log(0.1 + 0.8 * np.eye(2)[answers]), labels, ["x"] * 100, ("a", "b"))
    assert found.effective == pytest.approx(1)
    accuracy = found.metrics["accuracy"]
    assert accuracy.low < 0.35
    assert accuracy.high > 0.99
    assert any("one group" in note for note in found.notes)


def test_ece_has_no_interval_and_the_gap_has_one(predictions: Draw) -> None:
    log_probs, labels, groups = predictions(200, 3, groups=60)
    found = evaluate(log_probs, labels, groups, ABC)
    confidence = np.exp(log_probs).max(axis=1)
    expected = (confidence - (log_probs.argmax(axis=1) == labels)).mean()
    gap = found.metrics["confidence_gap"]
    assert gap.value == pytest.approx(expected)
    assert gap.low < gap.value < gap.high
    assert found.metrics["ece"].ends() == found.metrics["classwise_ece"].ends() == ""


def test_a_large_group_is_named() -> None:
    labels = np.zeros(40, dtype=int)
    labels[30:] = 1
    groups = ["big"] * 15 + [str(row) for row in range(25)]
    found = evaluate(np.log(np.full((40, 2), 0.5)), labels, groups, ("a", "b"))
    assert any("50% of a (30)" in note for note in found.notes)


def test_the_order_of_rows_and_the_names_of_groups_do_not_matter(predictions: Draw) -> None:
    log_probs, labels, groups = predictions(60, 3, groups=25, ties=True)
    order = np.random.default_rng(3).permutation(60)
    other = [f"x-{groups[row]}" for row in order]
    first = evaluate(log_probs, labels, groups, ABC)
    second = evaluate(log_probs[order], labels[order], other, ABC)
    for name, interval in first.metrics.items():
        again = second.metrics[name]
        assert (again.value, again.low, again.high) == pytest.approx(
            (interval.value, interval.low, interval.high), nan_ok=True
        )


def test_groups_that_agree_widen_the_interval_as_their_size_says() -> None:
    """Five copies of each row in one group say no more than the row; apart they pretend to."""
    generator = np.random.default_rng(0)
    labels = np.arange(120) % 2
    right = generator.random(120) < 0.7
    chance = np.where(right == (labels == 0), 0.8, 0.2)
    log_probs = np.log(np.stack([chance, 1 - chance], axis=1))
    copies = np.repeat(np.arange(120), 5)
    single = evaluate(log_probs, labels, [str(row) for row in range(120)], ("a", "b"))
    grouped = evaluate(log_probs[copies], labels[copies], copies.astype(str).tolist(), ("a", "b"))
    naive = evaluate(
        log_probs[copies], labels[copies], [str(row) for row in range(600)], ("a", "b")
    )
    width = [
        one.metrics["balanced_accuracy"].high - one.metrics["balanced_accuracy"].low
        for one in (single, grouped, naive)
    ]
    assert grouped.effective == pytest.approx(120)
    assert width[1] == pytest.approx(width[0])
    assert width[1] / width[2] == pytest.approx(math.sqrt(5), rel=0.1)


def test_a_probability_of_zero_for_the_truth_leaves_the_nll_finite() -> None:
    with np.errstate(divide="ignore"):
        log_probs = np.log([[1.0, 0.0], [0.5, 0.5]])
    found = evaluate(log_probs, np.array([1, 0]), ["x", "y"], ("a", "b"))
    assert 300 < found.metrics["nll"].value < 400


@pytest.mark.parametrize("ties", [False, True])
def test_the_area_under_the_plotted_curve_is_the_auroc(predictions: Draw, ties: bool) -> None:
    log_probs, labels, groups = predictions(150, 3, groups=50, ties=ties)
    found = evaluate(log_probs, labels, groups, ABC)
    for curve, scores in zip(found.roc, found.per_class, strict=True):
        area = np.trapezoid(curve.true_positive, curve.false_positive)
        assert area == pytest.approx(scores.auroc.value)
        assert (curve.false_positive[0], curve.true_positive[0]) == (0, 0)
        assert (curve.false_positive[-1], curve.true_positive[-1]) == (1, 1)


def test_a_long_curve_is_thinned_to_few_points_near_it(predictions: Draw) -> None:
    log_probs, labels, groups = predictions(4000, 2, groups=50)
    found = evaluate(log_probs, labels, groups, ("a", "b"))
    for curve, scores in zip(found.roc, found.per_class, strict=True):
        assert len(curve.false_positive) <= 200
        area = np.trapezoid(curve.true_positive, curve.false_positive)
        assert area == pytest.approx(scores.auroc.value, abs=0.005)


def test_json_gives_the_evaluation_back(predictions: Draw) -> None:
    log_probs, labels, groups = predictions(40, 3, groups=15)
    found = evaluate(log_probs[labels < 2], labels[labels < 2], groups[:27], ABC)
    text = json.dumps(found.to_json(), allow_nan=False)
    again = Evaluation.from_json(json.loads(text))
    assert again.to_json() == found.to_json()
    assert again.metrics == found.metrics
    assert again.per_class[:2] == found.per_class[:2]
    assert again.reliability == found.reliability
    assert again.roc == found.roc
    assert math.isnan(again.per_class[2].f1.value)


def test_quick_scores_are_the_values_of_the_evaluation(predictions: Draw) -> None:
    log_probs, labels, groups = predictions(70, 3, groups=20)
    quick = quick_scores(log_probs.astype(np.float32), labels)
    found = evaluate(log_probs, labels, groups, ABC)
    of_classes = [-log_probs[labels == c, c].mean() for c in range(3)]
    assert quick.pop("balanced_nll") == pytest.approx(np.mean(of_classes), rel=1e-6)
    assert set(quick) == {"balanced_accuracy", "accuracy", "macro_f1", "nll"}
    for name, value in quick.items():
        assert value == pytest.approx(found.metrics[name].value, rel=1e-6)


def test_a_class_without_samples_has_no_part_in_the_balanced_loss() -> None:
    log_probs = np.log([[0.5, 0.2, 0.3], [0.6, 0.1, 0.3], [0.3, 0.2, 0.5]])
    found = quick_scores(log_probs, np.array([0, 0, 2]))["balanced_nll"]
    assert found == pytest.approx(-(np.log(0.5 * 0.6) / 2 + np.log(0.5)) / 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": np.array([0, 3])}, "labels must be integers in 0..1"),
        ({"labels": np.array([0, -1])}, "labels must be integers in 0..1"),
        ({"labels": np.array([0.0, 1.0])}, "labels must be integers"),
        ({"labels": np.array([0])}, "as many labels and groups"),
        ({"groups": ["x"]}, "as many labels and groups"),
        ({"log_probs": np.zeros((2, 3))}, r"2 classes\], got \[2, 3\]"),
        ({"log_probs": np.zeros((0, 2))}, r"got \[0, 2\]"),
        ({"log_probs": np.array([[0.5, 2.0], [0.1, 0.2]])}, "apply log_softmax"),
        ({"log_probs": np.array([[0.0, -np.inf], [np.nan, 0]])}, "row 1 of log_probs sums to nan"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_plain_words(
    change: dict[str, Any], words: str
) -> None:
    given: dict[str, Any] = {
        "log_probs": np.log([[0.5, 0.5], [0.2, 0.8]]),
        "labels": np.array([0, 1]),
        "groups": ["x", "y"],
    }
    with pytest.raises(DataError, match=words):
        evaluate(**{**given, **change}, classes=("a", "b"))
