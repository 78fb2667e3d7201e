"""Intervals against a slow loop that repeats rows and scores them anew."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sk

from mmx.evaluation import evaluate
from mmx.evaluation.bootstrap import Draws, percentile_interval, resampled_weights
from mmx.evaluation.sums import group_sums

Draw = Callable[..., tuple[NDArray[np.float64], NDArray[np.int64], list[str]]]


def _slow_scores(log_probs: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, float]:
    predicted, classes = log_probs.argmax(axis=1), log_probs.shape[1]
    truth, probs = np.eye(classes)[labels], np.exp(log_probs)
    return {
        "balanced_accuracy": sk.balanced_accuracy_score(labels, predicted),
        "accuracy": sk.accuracy_score(labels, predicted),
        "macro_f1": sk.f1_score(labels, predicted, average="macro"),
        "macro_auroc": sk.roc_auc_score(truth, log_probs),
        "brier": float(((probs - truth) ** 2).sum(axis=1).mean()),
        "nll": sk.log_loss(labels, probs, labels=range(classes)),
    }


@pytest.mark.parametrize("ties", [False, True])
def test_weighted_groups_score_like_repeated_rows(predictions: Draw, ties: bool) -> None:
    log_probs, labels, groups = predictions(60, 3, groups=25, ties=ties)
    names, member = np.unique(groups, return_inverse=True)
    sums = group_sums(log_probs, labels, member)
    draws = Draws()
    weights = np.concatenate(list(resampled_weights(sums.labels, 20, 0, draws)))
    fast = sums.score(weights)
    for number, counts in enumerate(weights.astype(int)):
        rows = np.concatenate(
            [np.tile(np.flatnonzero(member == g), n) for g, n in enumerate(counts)]
        )
        slow = _slow_scores(log_probs[rows], labels[rows])
        for name, value in slow.items():
            assert fast.metrics[name][number] == pytest.approx(value), name
        for label in range(3):
            auroc = sk.roc_auc_score(labels[rows] == label, log_probs[rows, label])
            assert fast.per_class["auroc"][number, label] == pytest.approx(auroc)


def test_ece_of_a_resample_uses_the_bins_of_the_whole_sample(predictions: Draw) -> None:
    log_probs, labels, groups = predictions(60, 3, groups=25)
    names, member = np.unique(groups, return_inverse=True)
    sums = group_sums(log_probs, labels, member)
    counts = np.random.default_rng(1).integers(0, 3, size=len(names))
    ece = sums.score(counts[None].astype(float)).metrics["ece"][0]
    confidence = np.exp(log_probs).max(axis=1)
    gap = confidence - (log_probs.argmax(axis=1) == labels)
    bins = np.array_split(np.argsort(confidence), 15)
    slow = sum(abs((counts[member[rows]] * gap[rows]).sum()) for rows in bins)
    assert ece == pytest.approx(slow / counts[member].sum())


def test_each_draw_takes_as_many_groups_as_there_are(predictions: Draw) -> None:
    log_probs, labels, groups = predictions(60, 3, groups=25)
    names, member = np.unique(groups, return_inverse=True)
    sums = group_sums(log_probs, labels, member)
    draws = Draws()
    weights = np.concatenate(list(resampled_weights(sums.labels, 300, 0, draws)))
    assert weights.shape == (300, len(names))
    assert (weights.sum(axis=1) == len(names)).all()
    assert draws.kept == 300
    assert weights.mean(axis=0) == pytest.approx(np.ones(len(names)), abs=0.35)


def test_the_order_of_rows_and_the_names_of_groups_do_not_matter(predictions: Draw) -> None:
    log_probs, labels, groups = predictions(60, 3, groups=25, ties=True)
    order = np.random.default_rng(3).permutation(60)
    first = evaluate(log_probs, labels, groups, ("a", "b", "c"), resamples=150)
    other = [f"x-{groups[row]}" for row in order]
    second = evaluate(log_probs[order], labels[order], other, ("a", "b", "c"), resamples=150)
    for name, interval in first.metrics.items():
        again = second.metrics[name]
        assert (again.value, again.low, again.high) == pytest.approx(
            (interval.value, interval.low, interval.high)
        )


def test_a_seed_repeats_its_intervals_and_another_changes_them(predictions: Draw) -> None:
    log_probs, labels, groups = predictions(60, 3, groups=25)
    runs = [
        evaluate(log_probs, labels, groups, ("a", "b", "c"), resamples=150, seed=seed).metrics
        for seed in (5, 5, 6)
    ]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_groups_that_agree_widen_the_interval_as_their_size_says() -> None:
    """Five copies of each row in one group say no more than the row; apart they pretend to."""
    generator = np.random.default_rng(0)
    labels = np.arange(120) % 2
    right = generator.random(120) < 0.7
    chance = np.where(right == (labels == 0), 0.8, 0.2)
    log_probs = np.log(np.stack([chance, 1 - chance], axis=1))
    names = [f"lesion-{row}" for row in range(120)]
    copies = np.repeat(np.arange(120), 5)
    widths = {}
    for how, groups in {
        "single": None,
        "grouped": [names[row] for row in copies],
        "naive": [str(number) for number in range(600)],
    }.items():
        rows = np.arange(120) if groups is None else copies
        found = evaluate(log_probs[rows], labels[rows], groups or names, ("a", "b"), resamples=1000)
        interval = found.metrics["balanced_accuracy"]
        widths[how] = interval.high - interval.low
    assert widths["grouped"] == pytest.approx(widths["single"], rel=0.01)
    assert widths["grouped"] / widths["naive"] == pytest.approx(math.sqrt(5), rel=0.15)


def test_the_interval_of_accuracy_covers_the_truth_about_95_times_of_100() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        # 60 patients with 4 images each; patients differ in how easy they are
        easy = np.repeat(generator.beta(3.5, 1.5, size=60), 4)  # mean 0.7
        right = generator.random(240) < easy
        labels = np.tile([0, 1], 120)
        chance = np.where(right == (labels == 0), 0.8, 0.2)
        log_probs = np.log(np.stack([chance, 1 - chance], axis=1))
        groups = np.repeat(np.arange(60), 4).astype(str).tolist()
        found = evaluate(log_probs, labels, groups, ("a", "b"), resamples=200, seed=trial)
        covered += found.metrics["accuracy"].low <= 0.7 <= found.metrics["accuracy"].high
    assert 180 <= covered <= 198


def test_resamples_without_a_class_are_drawn_again_and_counted() -> None:
    log_probs = np.log(np.full((12, 2), 0.5))
    labels = np.array([1] + [0] * 11)  # one group of class b: missing from about 1/e of all draws
    groups = [str(row) for row in range(12)]
    found = evaluate(log_probs, labels, groups, ("a", "b"), resamples=500)
    assert found.resamples == 500
    lost = found.redrawn / (found.redrawn + 500)
    assert lost == pytest.approx((11 / 12) ** 12, abs=0.06)
    assert any("were drawn again" in note for note in found.notes)
    assert any("b (1)" in note for note in found.notes)


def test_classes_of_single_groups_end_the_drawing_without_intervals() -> None:
    classes = [f"class {number}" for number in range(25)]
    log_probs = np.log(np.full((25, 25), 0.04))
    groups = [str(row) for row in range(25)]
    found = evaluate(log_probs, np.arange(25), groups, classes, resamples=200)
    assert found.resamples < 100
    assert math.isnan(found.metrics["accuracy"].low)
    assert found.metrics["accuracy"].value == pytest.approx(0.04)
    assert any("too few for intervals" in note for note in found.notes)


def test_percentiles_ignore_undefined_resamples_only() -> None:
    values = np.stack([np.arange(101.0), np.full(101, np.nan)], axis=1)
    values[0, 0] = np.nan
    low, high = percentile_interval(values)
    assert low[0] == pytest.approx(np.percentile(np.arange(1, 101), 2.5))
    assert high[0] == pytest.approx(np.percentile(np.arange(1, 101), 97.5))
    assert np.isnan(low[1])
    assert np.isnan(high[1])
