"""Blocks of groups exchange their answers: how likely a gain is by chance alone."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mmx.evaluation import quick_labels, quick_scores
from mmx.spec import TrainSpec
from mmx.training.exchange import (
    blocks_of,
    bound,
    chance,
    comparisons,
    exchanged_gains,
    too_few_groups,
)


@pytest.mark.parametrize("blocks", [1, 2, 9])
def test_all_signs_are_counted(blocks: int) -> None:
    gains = torch.from_numpy(np.random.default_rng(blocks).normal(0.3, size=blocks))
    signs = torch.tensor([*product([1.0, -1.0], repeat=blocks)], dtype=torch.float64)
    assert chance(gains) == float((signs @ gains >= gains.sum() - 1e-12).double().mean())


def test_gains_that_are_equal_have_the_chances_of_coins() -> None:
    assert chance(torch.full((20,), 0.1, dtype=torch.float64)) == 2**-20
    assert chance(torch.tensor([0.1] * 5 + [-0.1], dtype=torch.float64)) == 7 / 64
    assert chance(torch.zeros(20, dtype=torch.float64)) == 1


def test_a_gain_that_is_no_number_is_nothing_but_chance() -> None:
    assert chance(torch.tensor([0.1, float("nan"), 0.1], dtype=torch.float64)) == 1


@pytest.mark.parametrize("level", [0.05, 0.05 / 12])
def test_it_is_exact_whatever_the_gains_are_drawn_from(level: float) -> None:
    rng, drawings = np.random.default_rng(0), 2000
    drawn = rng.standard_cauchy((drawings, 12)) * rng.exponential(size=12)
    share = np.mean([chance(torch.from_numpy(one)) <= level for one in drawn])
    assert abs(share - level) < 3 * (level / drawings) ** 0.5


def answers(right: Tensor, target: Tensor) -> Tensor:
    """Sure answers [n, 3], of which some are right."""
    said = torch.where(right, target, (target + 1) % 3)
    return torch.nn.functional.one_hot(said, 3).double().mul(9).log_softmax(1)


def balanced(target: Tensor) -> Any:
    def score(log_probs: Tensor) -> float:
        return quick_scores(log_probs.numpy(), target.numpy())["balanced_accuracy"]

    return score


def test_gains_of_a_share_add_up_and_are_those_of_their_own_rows() -> None:
    draws = torch.Generator().manual_seed(0)
    target = torch.randint(3, (90,), generator=draws)
    old, new = (torch.rand(90, generator=draws) < share for share in (0.6, 0.8))
    block = blocks_of([f"{row // 3}" for row in range(90)])
    score, kept, now = balanced(target), answers(old, target), answers(new, target)
    gains = exchanged_gains(score, kept, now, block)
    assert float(gains.sum()) == pytest.approx(score(now) - score(kept), abs=1e-12)
    each = (new.double() - old.double()) / (3 * target.bincount()[target])
    expected = torch.zeros(20, dtype=torch.float64).index_add(0, block, each)
    torch.testing.assert_close(gains, expected, rtol=0, atol=1e-12)


def test_two_rows_of_a_rare_class_that_turned_right_are_two_coins() -> None:
    """Left out one after the other they change no share, so a jackknife calls them sure."""
    target = torch.tensor([0] * 20 + [1] * 20 + [2] * 2)
    old, new = target < 2, target < 3
    block = blocks_of([f"{row}" for row in range(42)])
    gains = exchanged_gains(balanced(target), answers(old, target), answers(new, target), block)
    assert float(gains.sum()) == pytest.approx(1 / 3)
    assert chance(gains) == 1 / 4


def test_answers_of_another_scale_are_no_gain_for_ranks() -> None:
    draws = torch.Generator().manual_seed(1)
    target = torch.randint(2, (80, 1), generator=draws)
    raw = torch.randn(80, 1, generator=draws).double() + target
    kept, new = (torch.stack([-one, one], -1).mul(0.5).log_softmax(-1) for one in (raw, 9 * raw))
    block = blocks_of([f"{row}" for row in range(80)])

    def area(log_probs: Tensor) -> float:
        return quick_labels(log_probs.numpy(), target.numpy())["macro_auroc"]

    gains = exchanged_gains(area, kept, new, block)
    assert float(gains.sum()) == pytest.approx(0, abs=1e-12)
    assert chance(gains) > 0.2


def test_groups_are_dealt_to_twenty_blocks() -> None:
    assert blocks_of(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]
    assert blocks_of([f"{row}" for row in range(43)]).bincount().tolist() == [3] * 3 + [2] * 17


@pytest.mark.parametrize(
    ("settings", "epochs", "most"),
    [
        ({"epochs": 60, "early_stopping": 12, "confidence": 0.95}, 12, 0.05 / 12),
        ({"epochs": 5, "early_stopping": 12, "confidence": 0.95}, 5, 0.01),
        ({"epochs": 20, "confidence": 0.9}, 20, 0.005),
        ({"epochs": 20}, 20, 1.0),
    ],
)
def test_all_epochs_that_are_compared_share_the_doubt(
    settings: dict[str, Any], epochs: int, most: float
) -> None:
    train = TrainSpec.model_validate(settings)
    assert comparisons(train) == epochs
    assert bound(train) == pytest.approx(most)


@pytest.mark.parametrize(
    ("groups", "confidence", "words"),
    [
        (8, 0.95, ""),
        (7, 0.95, "are of 7 groups, too few to say with 95 % confidence that one of 12 epochs is"),
        (7, 0.4, ""),
        (7, None, ""),
        (30, 0.9999999, "No validation part is large enough to say with 99.99999 % confidence"),
    ],
)
def test_it_says_where_no_epoch_can_be_better(
    tiny: Any, groups: int, confidence: float | None, words: str
) -> None:
    part, task = tiny.TinyPart(60, 2), tiny.tiny_spec().task.build("abc")
    part.groups = tuple(f"{row % groups}" for row in range(60))
    train = TrainSpec(epochs=60, early_stopping=12, confidence=confidence)
    told = too_few_groups(part, task, train)
    assert words in told
    assert bool(words) == bool(told)
    part.labels = torch.full((60,), -1)  # then the last epoch is kept, whatever is asked for
    assert too_few_groups(part, task, train) == ""


def test_the_fewest_groups_that_are_named_are_the_fewest_that_do() -> None:
    train = TrainSpec(epochs=60, early_stopping=12, confidence=0.95)
    gains = torch.ones(8, dtype=torch.float64)
    assert chance(gains) <= bound(train) < chance(gains[:7])
