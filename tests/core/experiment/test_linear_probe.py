"""The probe on frozen features beside its formula, minimised by scipy in double precision."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from mmx.evaluation import PROBE_STRENGTHS
from mmx.experiment.frozen_probe import FrozenProbe, ProbeAnswers, ProbeData, linear_probe
from mmx_plugins.tasks.multi_label import MultiLabel, MultiLabelParams
from mmx_plugins.tasks.single_label import SingleLabel, SingleLabelParams

NAMES = ("a", "b", "c")
Rows = tuple[NDArray[np.float32], NDArray[np.int64]]


def drawn(rows: int, seed: int) -> Rows:
    """Three classes, the rarest of one in ten, told by two of five channels of unequal size."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, rows, p=[0.6, 0.3, 0.1])
    centres = np.array([[0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 1.5, 0, 0, 0]])
    features = centres[labels] + rng.normal(size=(rows, 5))
    return (features * [1, 10, 0.1, 1, 0] + 3).astype(np.float32), labels


def data_of(train: Rows, asked: Rows) -> ProbeData:
    parts = {"train": train, "validation": asked, "test": asked}
    return ProbeData(
        {part: rows[0] for part, rows in parts.items()},
        {part: torch.from_numpy(rows[1]) for part, rows in parts.items()},
    )


class Scored(SingleLabel):
    """Its headline is what it is told, strength by strength."""

    def __init__(self, scores: Sequence[float]) -> None:
        super().__init__(NAMES)
        self.scores = iter(scores)

    def quick_scores(self, log_probs: Any, target: Any) -> dict[str, float]:
        return {"balanced_accuracy": next(self.scores)}


def probed(train: Rows, asked: Rows, scores: Sequence[float]) -> ProbeAnswers:
    return linear_probe(data_of(train, asked), Scored(scores), SingleLabelParams())


def test_it_minimises_its_formula() -> None:
    train, asked = drawn(300, 0), drawn(50, 1)
    found = probed(train, asked, [0.0, 0.1, 0.2, 1.0, 0.5, 0.4])
    chosen = PROBE_STRENGTHS[3]
    assert found.strength == chosen
    features, y = train
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread[spread < 1e-6] = 1
    x, z = (features - mean) / spread, (asked[0] - mean) / spread
    weights = (len(y) / (3 * np.bincount(y)))[y]

    def loss(flat: NDArray[np.float64]) -> float:
        w = flat[:15].reshape(5, 3)
        each = -log_softmax(x @ w + flat[15:], axis=1)[np.arange(len(y)), y]
        return float((weights * each).mean() + (w**2).sum() / (2 * chosen * len(y)))

    flat = minimize(loss, np.zeros(18), tol=1e-9).x
    expected = log_softmax(z @ flat[:15].reshape(5, 3) + flat[15:], axis=1)
    assert np.abs(found.test.numpy() - expected).max() < 1e-6
    assert torch.equal(found.test, found.validation)


def test_units_of_a_channel_change_nothing() -> None:
    (features, labels), (other, known) = drawn(200, 2), drawn(40, 3)
    scale = np.array([1000, 1, 0.01, 5, 1], dtype=np.float32)
    one = probed((features, labels), (other, known), [0.0] * 6)
    same = probed((features * scale, labels), (other * scale, known), [0.0] * 6)
    assert (one.validation - same.validation).abs().max() < 1e-4


def test_the_search_ends_after_two_strengths_that_are_no_better() -> None:
    found = probed(drawn(100, 4), drawn(20, 5), [0.5, 0.4, 0.5])  # a fourth one would raise
    assert found.strength == PROBE_STRENGTHS[0]


def test_scores_that_are_no_numbers_choose_nothing_and_the_note_says_so() -> None:
    train, asked = drawn(100, 4), drawn(20, 5)
    found = probed(train, asked, [float("nan")] * 3)
    assert (found.strength, found.chosen) == (PROBE_STRENGTHS[0], False)
    assert probed(train, asked, [0.5, 0.4, 0.5]).chosen
    told = FrozenProbe({}, reads=("image",), strength=1e-5, chosen=found.chosen, rows=9).to_json()
    note = FrozenProbe.from_json(told).note
    assert "(1e-05) is the first one that is tried, of the strongest penalty, since" in note
    assert "chosen" not in note


def test_where_rows_have_several_labels_no_class_is_said_to_weigh_alike() -> None:
    one, many = (
        FrozenProbe({}, balanced=alike, reads=("a",), strength=1.0) for alike in (True, False)
    )
    words = "each class with equal weight"
    assert words in one.note
    assert words not in many.note == FrozenProbe.from_json(many.to_json()).note


def test_a_class_without_training_rows_is_as_good_as_impossible_and_finite() -> None:
    features, labels = drawn(100, 7)
    found = probed((features, labels % 2), (features, labels), [0.0] * 6)
    assert (found.test[:, 2] < -15).all()
    assert found.test.isfinite().all()
    assert torch.allclose(found.test.exp().sum(dim=1), torch.ones(100, dtype=torch.float64))


def test_labels_have_a_model_each_and_answers_are_finite() -> None:
    features, labels = drawn(200, 8)
    target = np.stack([labels == 1, labels == 2, labels > 5], axis=1).astype(np.int64)
    target[:50, 0] = -1
    found = linear_probe(
        data_of((features, target), (features, target)), MultiLabel(NAMES), MultiLabelParams()
    )
    assert found.test.shape == (200, 3, 2)
    assert found.test.isfinite().all()
    there = found.test[..., 1]
    assert there[labels == 1, 0].mean() > there[labels != 1, 0].mean()
    assert there[labels == 2, 1].mean() > there[labels != 2, 1].mean()
    assert (there[:, 2] < -15).all()  # the last label is never there
