"""train.confidence: an epoch replaces another only where it is better by more than chance."""

from typing import Any

import pytest
import torch
from torch import Tensor

from mmx.interfaces import known_rows
from mmx.training.trainee import Trainee
from mmx.training.validation import Validation
from mmx_plugins.tasks.multi_label import MultiLabelParams


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

    def __init__(self, tiny: Any, confidence: float | None, wrong: tuple[int, int]) -> None:
        super().__init__(tiny, tiny.tiny_spec(confidence=confidence), 60)
        self._kept, self._last = (self.answers(count) for count in wrong)

    def answers(self, wrong: int) -> Tensor:
        """Sure answers, of which the first so many are wrong."""
        said = (self.target + (torch.arange(60) < wrong)) % 3
        return torch.nn.functional.one_hot(said, 3).double().mul(9).log_softmax(1)


@pytest.mark.parametrize(
    ("confidence", "wrong", "expected"),
    [
        (None, (9, 8), True), (0.95, (9, 8), False), (0.95, (16, 8), False), (0.95, (40, 8), True),
        (0.95, (8, 9), False), (0.4, (16, 8), True),
    ],
)  # fmt: skip
def test_a_gain_counts_where_chance_would_hardly_make_it(
    tiny: Any, confidence: float | None, wrong: tuple[int, int], expected: bool
) -> None:
    of = Answered(tiny, confidence, wrong)
    old, new = (
        of.trainee.task.quick_scores(one.numpy(), of.target.numpy())["balanced_accuracy"]
        for one in (of._kept, of._last)
    )
    assert of.better(new, old) is expected
    assert of.better(new, None)


class Drawn(Given):
    """Unsure answers to labels or levels; the new ones are a little better, or are not."""

    def __init__(self, tiny: Any, task: str, select: str, more: float) -> None:
        super().__init__(tiny, tiny.tiny_spec(task=task, select=select, confidence=0.9), 240)
        several = task == "multi_label"
        shape = (len(self.target), 3, 2) if several else (len(self.target), 3)
        draws = torch.Generator().manual_seed(3)
        told = torch.nn.functional.one_hot(self.target.clamp(min=0), shape[-1])
        noise = torch.randn(shape, generator=draws), torch.randn(shape, generator=draws)
        raw = told + noise[0], (1 + more) * told + 0.8 * noise[0] + 0.6 * noise[1]
        self._kept, self._last = (one.double().log_softmax(-1) for one in raw)

    def moved(self) -> float:
        """The score of the new answers less that of the kept ones; positive is better."""
        old, new = (
            self.trainee.task.quick_scores(one.numpy(), self.target.numpy())[self.spec.select]
            for one in (self._kept, self._last)
        )
        return new - old if self.spec.task.selects[self.spec.select] else old - new


SCORES = [
    ("multi_label", "macro_auroc"), ("multi_label", "brier"),
    ("multi_label", "macro_average_precision"), ("ordinal", "quadratic_kappa"),
    ("ordinal", "macro_absolute_error"), ("single_label", "balanced_accuracy"),
    ("single_label", "macro_f1"), ("single_label", "balanced_nll"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "select"), SCORES)
def test_gains_of_the_blocks_are_the_difference(tiny: Any, task: str, select: str) -> None:
    given = Drawn(tiny, task, select, 0.8)
    gains = given._gains(given.spec.task.selects[select])
    assert gains.shape == (20,)
    assert float(gains.sum()) == pytest.approx(given.moved(), rel=0.05)
    assert given.moved() > 0


@pytest.mark.parametrize(("task", "select"), SCORES)
@pytest.mark.parametrize("more", [0.8, 0.0])
def test_answers_that_are_better_are_told_from_others(
    tiny: Any, task: str, select: str, more: float
) -> None:
    given = Drawn(tiny, task, select, more)
    scores = given.trainee.task.quick_scores
    old, new = (
        scores(one.numpy(), given.target.numpy())[select] for one in (given._kept, given._last)
    )
    assert given.better(new, old) is bool(more)
