"""Mistakes in baselines, each caught by the law that names it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import pytest
import torch
from pydantic import Field

from mmx.interfaces import Baseline, BaselineAnswers, BaselineParams, Record, TargetRows, Task

MISTAKES = {
    "baseline": {
        "logits instead of log-probabilities": "shapes",
        "cells scaled by the rows that are asked": "row_independence",
        "reads an excluded field": "excluded_fields",
        "takes the first field for the finding": "field_order",
        "answers with the prior": "tells_apart",
        "forgets the weights": "class_weights",
        "draws from the global state": "random_state",
        "setting never read, baseline": "settings_read",
    },
}


class CountsParams(BaselineParams):
    """Settings of shares by finding, with a chosen mistake."""

    type: Literal["counts"] = "counts"
    mistake: str = Field(default="", description="what is wrong; empty: nothing")

    def build(self) -> Baseline:
        return Counts(self.mistake)


class IdleParams(CountsParams):
    """The same with a setting too many."""

    idle: int = Field(default=1, description="a number that nobody reads")


class Counts(Baseline):
    """The weighted shares of the classes among training rows with the same finding."""

    def __init__(self, mistake: str) -> None:
        self.mistake = mistake

    def answers(
        self, task: Task, train: TargetRows, validation: TargetRows, asked: Sequence[Record],
        excluded: Mapping[str, str],
    ) -> BaselineAnswers:  # fmt: skip
        target = train.target
        ones = torch.ones_like(train.weights)
        weights = ones if self.mistake == "forgets the weights" else train.weights
        each = target.clamp(min=0) if target.ndim > 1 else torch.nn.functional.one_hot(target, 3)
        seen = [self._finding(one, excluded) for one in train.records]
        rows = []
        for one in asked:
            alike = [found == self._finding(one, excluded) for found in seen]
            if self.mistake == "answers with the prior" or not any(alike):
                alike = [True] * len(seen)
            part = weights * torch.tensor(alike)
            rows.append(((part[:, None] * each).sum(0) + 0.01) / (part.sum() + 0.03))
        shares = torch.stack(rows).double()
        if self.mistake == "cells scaled by the rows that are asked":
            shares = shares ** len(asked)
        if self.mistake == "draws from the global state":
            shares = shares + 0.01 * torch.rand(shares.shape)
        if target.ndim > 1:
            shares = shares.clamp(0.01, 0.99)
            return BaselineAnswers(torch.stack([1 - shares, shares], dim=-1).log())
        found = shares.log()
        if self.mistake == "logits instead of log-probabilities":
            return BaselineAnswers(3 * found)
        return BaselineAnswers((shares / shares.sum(dim=1, keepdim=True)).log())

    def _finding(self, record: Record, excluded: Mapping[str, str]) -> object:
        if self.mistake == "reads an excluded field":
            return record.get("biopsy")
        if self.mistake == "takes the first field for the finding":
            return next(iter(record.values()), None)
        return record.get("finding")


def test_the_right_one_keeps_all_laws(failing: Callable[..., dict[str, str]]) -> None:
    assert failing(CountsParams()) == {}


@pytest.mark.parametrize(("mistake", "law"), MISTAKES["baseline"].items())
def test_a_mistake_is_caught_by_the_law_that_names_it(
    caught: Callable[[BaselineParams, str], None], mistake: str, law: str
) -> None:
    kind = IdleParams if mistake.startswith("setting never read") else CountsParams
    caught(kind(mistake=mistake), law)
