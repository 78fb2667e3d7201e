"""train.margin: an epoch replaces another only where it is better by more than chance."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mmx.errors import DataError
from mmx.interfaces import known_rows
from mmx.training.start import check_groups
from mmx.training.trainee import Trainee
from mmx.training.validation import Answers, Validation, leave_one_out
from mmx.training.validation import standard_error as of_left_out
from mmx_plugins.tasks.multi_label import MultiLabelParams


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


INFINITE = float("inf")


def standard_error(statistic: Callable[[Tensor], float], groups: Sequence[str]) -> float:
    return of_left_out(leave_one_out(statistic, groups))


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


def test_nor_does_a_score_that_hangs_on_one_group() -> None:
    def score(rows: Tensor) -> float:  # as an AUROC whose only positive row is the first
        return 1.0 if 0 in rows else float("nan")

    assert standard_error(score, ["a", "b"]) == standard_error(score, ["a", "b", "c"]) == INFINITE


class Given(Validation):
    """Its answers are given: those of the epoch that is kept, and new ones."""

    def __init__(self, tiny: Any, spec: Any, rows: int) -> None:
        several = isinstance(spec.task, MultiLabelParams)
        self.spec, self.part = spec, tiny.TinyPart(rows, 2, several=several)
        self.trainee = Trainee(None, None, None, spec.task.build("abc"))  # type: ignore[arg-type]
        self.known = known_rows(self.trainee.task, self.part.labels)
        self.target = self.part.labels[self.known]


class Answered(Given):
    """Sure answers to three classes."""

    def __init__(self, tiny: Any, margin: float, wrong: tuple[int, int]) -> None:
        super().__init__(tiny, tiny.tiny_spec(margin=margin), 60)
        self._kept, self._last = (Answers(self.answers(count)) for count in wrong)

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
        of.trainee.task.quick_scores(one.log_probs.numpy(), of.target.numpy())["balanced_accuracy"]
        for one in (of._kept, of._last)
    )
    assert of.better(new, old) is expected
    assert of.better(new, None)


class Drawn(Given):
    """Unsure answers to labels or levels; the new ones are a little better."""

    def __init__(self, tiny: Any, task: str, select: str) -> None:
        super().__init__(tiny, tiny.tiny_spec(task=task, select=select, margin=1.0), 240)
        several = task == "multi_label"
        shape = (len(self.target), 3, 2) if several else (len(self.target), 3)
        draws = torch.Generator().manual_seed(3)
        told = torch.nn.functional.one_hot(self.target.clamp(min=0), shape[-1])
        noise = torch.randn(shape, generator=draws), torch.randn(shape, generator=draws)
        better = 1.5 * told + 0.8 * noise[0] + 0.6 * noise[1]
        self._kept, self._last = (
            Answers(one.double().log_softmax(-1)) for one in (told + noise[0], better)
        )

    def by_bootstrap(self, resamples: int) -> float:
        """Standard deviation of the difference over groups that are drawn with replacement."""
        groups = np.array(self.part.groups)[self.known.numpy()]
        rows_of = [np.flatnonzero(groups == name) for name in dict.fromkeys(groups)]
        rng, found = np.random.default_rng(4), []
        for _ in range(resamples):
            drawn = rng.integers(len(rows_of), size=len(rows_of))
            rows = np.concatenate([rows_of[group] for group in drawn])
            new, old = (self.score(one.log_probs, rows) for one in (self._last, self._kept))
            found.append(new - old)
        return float(np.std(found, ddof=1))

    def score(self, answers: Tensor, rows: Any) -> float:
        scores = self.trainee.task.quick_scores(answers.numpy()[rows], self.target.numpy()[rows])
        return scores[self.spec.select]


@pytest.mark.parametrize(
    ("task", "select"),
    [
        ("multi_label", "macro_auroc"),
        ("multi_label", "brier"),
        ("ordinal", "quadratic_kappa"),
        ("ordinal", "macro_absolute_error"),
        ("single_label", "balanced_accuracy"),
    ],
)
def test_it_is_that_of_the_bootstrap_over_groups(tiny: Any, task: str, select: str) -> None:
    given = Drawn(tiny, task, select)
    assert given._standard_error() == pytest.approx(given.by_bootstrap(400), rel=0.25)


def test_an_epoch_is_scored_without_each_block_once(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, asked = Drawn(tiny, "ordinal", "quadratic_kappa"), list[int]()
    task = given.trainee.task
    whole = task.quick_scores

    def counted(log_probs: Any, target: Any) -> dict[str, float]:
        asked.append(len(target))
        return whole(log_probs, target)

    monkeypatch.setattr(task, "quick_scores", counted)
    assert given._standard_error() == given._standard_error() > 0
    assert len(asked) == 2 * 50
    given.keep()
    assert given._standard_error() == 0
    assert len(asked) == 2 * 50
