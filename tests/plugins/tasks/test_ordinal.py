"""The task of ordered levels: their order is that of the spec, and answers are decided by it."""

import pytest
import torch
from pydantic import ValidationError

from mmx import DataError, Sample
from mmx_plugins.tasks.ordinal import OrdinalParams

LEVELS = ("none", "mild", "severe")


def test_levels_stand_in_the_order_of_the_spec() -> None:
    task = OrdinalParams(levels=LEVELS).build(sorted(LEVELS))
    assert task.names == LEVELS
    assert [task.target(Sample("a", "a", label=one)).value for one in LEVELS] == [0, 1, 2]
    assert OrdinalParams(levels=LEVELS).build(("mild",)).names == LEVELS  # others may be absent


def test_labels_that_are_no_level_are_refused() -> None:
    with pytest.raises(DataError, match="the labels 'huge', which are none of task.levels: none"):
        OrdinalParams(levels=LEVELS).build(("none", "huge"))
    with pytest.raises(DataError, match="names a level twice"):
        OrdinalParams(levels=("a", "a")).build(())
    with pytest.raises(ValidationError):
        OrdinalParams(levels=("a",))


@pytest.mark.parametrize(("decision", "level"), [("median", 1), ("argmax", 0), ("mean", 1)])
def test_what_is_answered_follows_the_decision(decision: str, level: int) -> None:
    task = OrdinalParams(levels=LEVELS, decision=decision).build(LEVELS)  # type: ignore[arg-type]
    log_probs = torch.tensor([[0.4, 0.3, 0.3]]).log()
    assert task.predicted(log_probs).tolist() == [level]
    assert task.answers(log_probs)["predicted"].tolist() == [LEVELS[level]]
    wrong = task.wrong(log_probs, torch.tensor([2]), 5)
    assert [(one.true, one.predicted) for one in wrong] == [("severe", LEVELS[level])]
