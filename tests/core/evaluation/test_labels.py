"""Scores of several labels: values as scikit-learn has them, unknown labels, intervals."""

import json

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    recall_score,
    roc_auc_score,
    roc_curve,
)

from mmx.errors import DataError
from mmx.evaluation import (
    LabelEvaluation,
    choose_thresholds,
    evaluate_labels,
    quick_labels,
    ranked_label,
    share_of_rows,
)
from mmx.evaluation.average_precision import average_precision
from mmx.evaluation.thresholds import for_sensitivity, youden

LABELS = ("edema", "effusion", "nodule", "hernia")
PREVALENCE = (0.4, 0.2, 0.1, 0.03)


def drawn(seed: int = 0, rows: int = 400, groups: int = 150):  # type: ignore[no-untyped-def]
    """Log-probabilities [n, L, 2], target with unknown cells, and groups; some scores are tied."""
    rng = np.random.default_rng(seed)
    member = rng.integers(groups, size=rows)
    truth = (rng.random((rows, 4)) < PREVALENCE).astype(np.int64)
    noise = rng.normal(size=(groups, 4))[member] + rng.normal(size=(rows, 4))
    logits = np.round(2.0 * truth + noise - 1, 1)
    target = np.where(rng.random((rows, 4)) < 0.15, -1, truth)
    log_probs = np.stack([-np.logaddexp(0, logits), -np.logaddexp(0, -logits)], axis=-1)
    return log_probs, target, [f"patient {one}" for one in member]


def columns(log_probs, target):  # type: ignore[no-untyped-def]
    """Probability and truth of the known rows of each label."""
    probs = np.exp(log_probs[..., 1])
    return [(probs[k, c], target[k, c]) for c, k in enumerate((target >= 0).T)]


def test_values_are_those_of_scikit_learn() -> None:
    log_probs, target, groups = drawn()
    found = evaluate_labels(log_probs, target, groups, LABELS)
    areas, precisions = [], []
    for (probs, truth), scores in zip(columns(log_probs, target), found.per_label, strict=True):
        areas.append(roc_auc_score(truth, probs))
        precisions.append(average_precision_score(truth, probs))
        assert scores.auroc.value == pytest.approx(areas[-1], abs=1e-9)
        assert scores.average_precision.value == pytest.approx(precisions[-1], abs=1e-9)
        assert scores.brier.value == pytest.approx(brier_score_loss(truth, probs), abs=1e-9)
        assert (scores.known, scores.positives) == (len(truth), truth.sum())
    assert found.metrics["macro_auroc"].value == pytest.approx(np.mean(areas), abs=1e-9)
    wanted = pytest.approx(np.mean(precisions), abs=1e-9)
    assert found.metrics["macro_average_precision"].value == wanted
    probs, truth = (np.concatenate(one) for one in zip(*columns(log_probs, target), strict=True))
    assert found.metrics["brier"].value == pytest.approx(brier_score_loss(truth, probs), abs=1e-9)
    assert found.metrics["nll"].value == pytest.approx(log_loss(truth, probs), abs=1e-9)
    gap = pytest.approx(probs.mean() - truth.mean(), abs=1e-9)
    assert found.metrics["probability_gap"].value == gap
    assert found.cells == len(truth)


def test_few_labels_and_many_have_nearly_the_same_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From eight labels on their mean has another interval; at the border both agree."""
    draw = np.random.default_rng(4)
    target = draw.integers(2, size=(600, 8))
    scores = expit(target + draw.normal(size=target.shape))
    found = ranked_label.ranked(scores, target, np.arange(600) // 2, 300)
    many = ranked_label.means_of_labels(found)["macro_auroc"]
    monkeypatch.setattr(ranked_label, "MANY", 9)
    few = ranked_label.means_of_labels(found)["macro_auroc"]
    assert many != few
    assert many.value == pytest.approx(few.value)
    assert (many.low, many.high) == pytest.approx((few.low, few.high), abs=0.002)


def test_quick_scores_are_the_values() -> None:
    log_probs, target, groups = drawn(1)
    found = evaluate_labels(log_probs, target, groups, LABELS).metrics
    for name, value in quick_labels(log_probs, target).items():
        assert value == pytest.approx(found[name].value, abs=1e-9)


def test_unknown_labels_are_in_no_score() -> None:
    log_probs, target, groups = drawn(2)
    moved = log_probs.copy()
    moved[target < 0] = np.log([0.001, 0.999])
    chosen = {"youden": [0.3] * 4}
    one, other = (evaluate_labels(of, target, groups, LABELS, chosen) for of in (log_probs, moved))
    assert one == other


def test_rows_without_a_known_label_are_left_out() -> None:
    log_probs, target, groups = drawn(3)
    target[:50] = -1
    found = evaluate_labels(log_probs, target, groups, LABELS)
    rest = evaluate_labels(log_probs[50:], target[50:], groups[50:], LABELS)
    assert found == rest
    assert found.samples == 350


@pytest.mark.parametrize("rule", ["youden", "sensitivity_95"])
def test_thresholds_are_those_that_a_search_finds(rule: str) -> None:
    log_probs, target, _ = drawn(4)
    probs = np.exp(log_probs[..., 1])
    found = choose_thresholds(probs, target, rule)
    for threshold, (scores, truth) in zip(found, columns(log_probs, target), strict=True):
        false, true, steps = roc_curve(truth, scores, drop_intermediate=False)
        if rule == "youden":
            assert true[steps == threshold] - false[steps == threshold] == max(true - false)
        else:
            assert threshold == max(steps[true >= 0.95])


def test_thresholds_without_rows_to_choose_by() -> None:
    assert youden(np.array([0.2, 0.7]), np.array([True, True])) == 0.5
    assert for_sensitivity(np.array([0.2, 0.7]), np.array([False, False])) == 0.5
    assert for_sensitivity(np.array([0.2, 0.7]), np.array([True, True])) == 0.2


def test_sensitivity_and_specificity_are_shares_at_the_threshold() -> None:
    log_probs, target, groups = drawn(5)
    chosen = choose_thresholds(np.exp(log_probs[..., 1]), target)
    found = evaluate_labels(log_probs, target, groups, LABELS, {"youden": chosen})
    pairs = zip(columns(log_probs, target), found.per_label, chosen, strict=True)
    for (probs, truth), scores, threshold in pairs:
        (point,) = scores.points
        called = probs >= threshold
        assert point.sensitivity.value == pytest.approx(recall_score(truth, called), abs=1e-9)
        assert point.specificity.value == pytest.approx(recall_score(1 - truth, ~called), abs=1e-9)
        assert point.sensitivity.low < point.sensitivity.value < point.sensitivity.high


def test_one_label_of_single_rows_has_the_interval_of_a_single_share() -> None:
    log_probs, target, _ = drawn(6)
    log_probs, target = log_probs[:, :1], np.abs(target[:, :1])
    names = [str(row) for row in range(len(target))]
    found = evaluate_labels(log_probs, target, names, ("edema",), {"youden": [0.5]})
    there = target[:, 0] == 1
    hits = (np.exp(log_probs[:, 0, 1]) >= 0.5)[there]
    wanted = share_of_rows(hits, [str(row) for row in range(len(hits))])
    point = found.per_label[0].points[0]
    assert point.sensitivity.low == pytest.approx(wanted.low)
    assert point.sensitivity.high == pytest.approx(wanted.high)


def test_a_label_of_too_few_groups_is_left_out_and_named() -> None:
    log_probs, target, groups = drawn(7)
    target[:, 3] = 0
    target[:2, 3] = 1
    found = evaluate_labels(log_probs, target, groups, LABELS)
    assert found.scored_labels == LABELS[:3]
    assert np.isnan(found.per_label[3].auroc.low)
    assert found.per_label[3].auroc.value >= 0
    assert any("hernia (2 with" in note for note in found.notes)
    others = evaluate_labels(log_probs[:, :3], target[:, :3], groups, LABELS[:3])
    assert found.metrics["macro_auroc"] == others.metrics["macro_auroc"]


def test_the_influence_of_a_group_is_the_slope_of_its_weight() -> None:
    rng = np.random.default_rng(8)
    member = rng.integers(12, size=90)
    positive = rng.random(90) < 0.3
    scores = np.round(rng.normal(size=90) + positive, 1)
    found = average_precision(scores, positive, member)
    assert found is not None
    step, slopes = 1e-6, []
    for group in range(12):
        weights = np.where(member == group, 1 + step, 1.0)
        moved = average_precision_score(positive, scores, sample_weight=weights)
        slopes.append((moved - average_precision_score(positive, scores)) / step)
    np.testing.assert_allclose(found.influence / 12, slopes, atol=1e-5)
    assert abs(found.influence.sum()) < 1e-9


def test_what_cannot_be_scored_is_refused() -> None:
    log_probs, target, groups = drawn(9)
    with pytest.raises(DataError, match="no label of any row is known"):
        evaluate_labels(log_probs, np.full_like(target, -1), groups, LABELS)
    with pytest.raises(DataError, match="4 labels, 2"):
        evaluate_labels(log_probs[..., 1], target, groups, LABELS)
    with pytest.raises(DataError, match="give 1 for present"):
        evaluate_labels(log_probs, target + 1, groups, LABELS)
    with pytest.raises(DataError, match="not 1"):
        evaluate_labels(log_probs - 1, target, groups, LABELS)
    with pytest.raises(DataError, match="one for each of the 4 labels"):
        evaluate_labels(log_probs, target, groups, LABELS, {"youden": [0.5]})


def test_it_comes_back_from_json() -> None:
    log_probs, target, groups = drawn(10)
    target[:, 3] = -1
    found = evaluate_labels(log_probs, target, groups, LABELS, {"youden": [0.5] * 4})
    again = LabelEvaluation.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False)))
    assert str(again) == str(found)
