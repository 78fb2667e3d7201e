"""The task of several labels: targets, unknowns, thresholds, and losses that see no unknowns."""

import numpy as np
import pytest
import torch

from mmx import DataError, Sample
from mmx.interfaces import Outputs
from mmx_plugins.losses.bce import BceParams
from mmx_plugins.tasks.multi_label import MultiLabel, MultiLabelParams

NAMES = ("edema", "effusion", "mass")


def sample(**labels: str | float | None) -> Sample:
    return Sample("a", "a", labels=labels)


def test_cells_become_targets() -> None:
    task = MultiLabel(NAMES)
    assert task.target(sample(edema="1", effusion="0", mass=None)).value == (1, 0, -1)
    assert task.target(sample(edema=1.0, effusion="-1", mass="0.0")).value == (1, -1, 0)
    assert task.target(sample()).fault == "has no known label"
    assert "column 'mass' of labels holds '3'" in task.target(sample(edema="1", mass="3")).fault


@pytest.mark.parametrize(("policy", "filled"), [("ignore", -1), ("negative", 0), ("positive", 1)])
def test_unknown_means_for_the_loss_what_is_said(policy: str, filled: int) -> None:
    task = MultiLabelParams(unknown=policy).build(NAMES)  # type: ignore[arg-type]
    target = torch.tensor([[1, 0, -1], [-1, 1, 0]])
    expected = torch.where(target < 0, filled, target)
    assert torch.equal(task.for_training(target), expected)
    assert task.counts(target).sum(dim=1).tolist() == [2, 2, 2]


@pytest.mark.parametrize("many", [1, 4])
def test_the_gradient_of_an_unknown_label_is_exactly_zero(many: int) -> None:
    task, draws = MultiLabel(NAMES), torch.Generator().manual_seed(many)
    target = torch.randint(-1, 2, (8, 3), generator=draws)
    logits = torch.randn(8, 3, generator=draws, requires_grad=True)
    loss = BceParams().build(task.counts(target))
    outputs = Outputs(logits)
    loss(outputs, task.for_training(target), 0.5).total.backward()
    assert logits.grad is not None
    assert (logits.grad[target < 0] == 0).all()
    assert (logits.grad[target >= 0] != 0).all()
    part = logits.detach().clone().requires_grad_(True)
    task.part_loss(task.link().log_probs(part), target).sum().backward()
    assert part.grad is not None
    assert (part.grad[target < 0] == 0).all()


def test_unknown_labels_never_count_in_scores() -> None:
    draw = np.random.default_rng(0)
    target = draw.integers(-1, 2, size=(60, 3))
    groups = [str(row // 2) for row in range(60)]
    logits = torch.from_numpy(draw.normal(size=(60, 3)))
    task = MultiLabel(NAMES)
    first = task.link().log_probs(logits)
    changed = logits.masked_fill(torch.from_numpy(target < 0), 9.0)
    second = task.link().log_probs(changed)
    one, two = (task.evaluate(of.numpy(), target, groups) for of in (first, second))
    assert one.to_json() == two.to_json()
    assert task.quick_scores(first.numpy(), target) == task.quick_scores(second.numpy(), target)


def test_thresholds_come_back_as_they_were_decided() -> None:
    draw = np.random.default_rng(1)
    target = torch.from_numpy(draw.integers(0, 2, size=(40, 3)))
    log_probs = MultiLabel(NAMES).link().log_probs(torch.from_numpy(draw.normal(size=(40, 3))))
    fitted = MultiLabel(NAMES).fitted(log_probs, target, [str(row) for row in range(40)])
    again = MultiLabelParams().build(NAMES, fitted.state())
    assert torch.equal(fitted.called(log_probs), again.called(log_probs))
    assert fitted.thresholds == again.thresholds != {}


def test_words_tell_what_is_there_and_what_is_unknown() -> None:
    told = MultiLabel(NAMES).words(np.array([[1, 0, 1], [0, 0, 0], [-1, 1, 0], [-1, -1, -1]]))
    assert told.tolist() == ["edema + mass", "none", "effusion; unknown: edema", ""]


def test_nothing_to_learn_is_refused() -> None:
    with pytest.raises(DataError, match="no label of the training part is present in some rows"):
        MultiLabel(NAMES).check(np.zeros((4, 3), dtype=np.int64), "training")
    with pytest.raises(DataError, match="needs several columns of labels"):
        MultiLabel(()).check(np.zeros((4, 0), dtype=np.int64))
