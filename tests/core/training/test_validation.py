"""train.margin: an epoch replaces another only where it is better by more than chance."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mmx.errors import DataError
from mmx.training.start import check_groups
from mmx.training.trainee import Trainee
from mmx.training.validation import Validation, standard_error


def test_of_a_mean_of_groups_it_is_the_textbooks_standard_error() -> None:
    rng = np.random.default_rng(0)
    values = torch.from_numpy(rng.normal(size=40))
    found = standard_error(lambda rows: float(values[rows].mean()), [f"{i}" for i in range(40)])
    assert found == pytest.approx(float(values.std() / 40**0.5))


def test_rows_of_a_group_go_together() -> None:
    rng = np.random.default_rng(1)
    means = rng.normal(size=30)
    values, groups = torch.from_numpy(np.repeat(means, 5)), np.repeat(np.arange(30), 5).astype(str)
    found = standard_error(lambda rows: float(values[rows].mean()), list(groups))
    assert found == pytest.approx(means.std(ddof=1) / 30**0.5)


def test_many_groups_are_dealt_to_blocks_which_changes_it_little() -> None:
    values = torch.from_numpy(np.random.default_rng(2).normal(size=4000))
    asked: list[int] = []

    def mean(rows: Tensor) -> float:
        asked.append(len(rows))
        return float(values[rows].mean())

    found = standard_error(mean, [f"{row}" for row in range(4000)])
    assert asked == [3920] * 50
    assert found == pytest.approx(1 / 4000**0.5, rel=0.3)


def test_a_margin_needs_groups_that_differ(tiny: Any) -> None:
    part, task = tiny.TinyPart(12, 2), tiny.tiny_spec().task.build("abc")
    check_groups(part, task, 1.64)
    part.groups = ("alice",) * 12
    with pytest.raises(DataError, match="two groups or more.*all are of 'alice': set train.margin"):
        check_groups(part, task, 1.64)
    check_groups(part, task, 0.0)
    part.labels = torch.full((12,), -1)  # then the last epoch is kept, whatever the margin
    check_groups(part, task, 1.64)


def test_one_group_tells_nothing_apart_from_chance() -> None:
    assert standard_error(lambda rows: 1.0, ["a", "a", "a"]) == float("inf")


class Answered(Validation):
    """Its answers are given: those of the epoch that is kept, and new ones."""

    def __init__(self, tiny: Any, margin: float, wrong: tuple[int, int]) -> None:
        spec = tiny.tiny_spec(margin=margin)
        self.spec, self.part = spec, tiny.TinyPart(60, 2)
        self.known, self.target = torch.arange(60), self.part.labels
        self.trainee = Trainee(None, None, None, spec.task.build("abc"))  # type: ignore[arg-type]
        self._kept, self._answers = (self.answers(count) for count in wrong)

    def answers(self, wrong: int) -> Tensor:
        """Sure answers, of which the first so many are wrong."""
        said = (self.target + (torch.arange(60) < wrong)) % 3
        return torch.nn.functional.one_hot(said, 3).double().mul(9).log_softmax(1)


@pytest.mark.parametrize(
    ("margin", "wrong", "expected"),
    [(0, (9, 8), True), (1.64, (9, 8), False), (1.64, (40, 8), True), (1.64, (8, 9), False)],
)
def test_a_gain_counts_from_the_margin_on(
    tiny: Any, margin: float, wrong: tuple[int, int], expected: bool
) -> None:
    of = Answered(tiny, margin, wrong)
    old, new = (
        of.trainee.task.quick_scores(one.numpy(), of.target.numpy())["balanced_accuracy"]
        for one in (of._kept, of._answers)
    )
    assert of.better(new, old) is expected
    assert of.better(new, None)
