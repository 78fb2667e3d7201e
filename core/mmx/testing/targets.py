"""What losses and hooks are asked in the laws: targets of each task, and outputs that fit them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmx.blocks import Sigmoid, Softmax
from mmx.interfaces import Link, LossParams, Outputs, Params
from mmx.testing.law import SkippedLaw

WIDTH = 3  # classes, labels or levels
SINGLE = "single_label"
SEVERAL = "multi_label"
LEVELS = "ordinal"
COUNTS = torch.tensor([90, 9, 1])
TARGET = torch.tensor([0, 1, 2, 0, 1])
LABEL_COUNTS = torch.tensor([[60, 30, 10], [80, 15, 5], [20, 20, 60]])
LABEL_TARGET = torch.tensor([[1, 0, -1], [0, -1, -1], [1, 1, 0], [-1, -1, -1], [0, 0, 1]])


@dataclass(frozen=True)
class Question:
    """The target of a task.

    Attributes:
        task: its type.
        counts: of the training part, as ``LossParams.build`` takes them.
        bare: counts of which one class has no row.
        target: of five rows.
        values: that a target can have.
        link: from raw outputs to logits.
    """

    task: str
    counts: Tensor
    bare: Tensor
    target: Tensor
    values: tuple[int, ...]
    link: Link

    def outputs(self, rows: int, seed: int = 0, *, far: bool = False) -> Outputs:
        """Random outputs of a model; their logits are asked for a gradient.

        Args:
            rows: B.
            seed: of the numbers.
            far: raw outputs of +-1e4 instead, of which the parts are turned round.
        """
        generator = torch.Generator().manual_seed(seed)
        raw = [torch.randn(rows, self.link.inputs, generator=generator) for _ in range(3)]
        if far:
            raw = [1e4 * one.sign() for one in raw]
            raw = [raw[0], raw[1].flip(1), raw[2].flip(1)]
        logits, image, text = (self.link(one).detach().requires_grad_() for one in raw)
        return Outputs(logits, {"image": image, "text": text})

    def rows_of(self, counts: Tensor) -> Tensor:
        """A target [n] or [n, L] of which these are the counts."""
        if self.task != SEVERAL:
            return torch.repeat_interleave(torch.arange(len(counts)), counts)
        values = torch.tensor([0, 1, -1])
        return torch.stack([torch.repeat_interleave(values, of) for of in counts], dim=1)


def question_of(params: LossParams) -> Question:
    """What a loss is asked: the target of the first task that it is defined for.

    Raises:
        SkippedLaw: it is for tasks that these laws do not know.
    """
    task = tasks_of(params)[0]
    if task == SEVERAL:
        bare = torch.tensor([[5, 0, 1], [0, 6, 0], [0, 0, 6]])
        link = params.link(LABEL_COUNTS) or Sigmoid(WIDTH)
        return Question(task, LABEL_COUNTS, bare, LABEL_TARGET, (0, 1, -1), link)
    link = params.link(COUNTS) or Softmax(WIDTH)
    return Question(task, COUNTS, torch.tensor([5, 0, 1]), TARGET, tuple(range(WIDTH)), link)


def tasks_of(params: Params) -> tuple[str, ...]:
    """The tasks of these laws that a method is defined for, at least one.

    Raises:
        SkippedLaw: it is for other tasks.
    """
    found = tuple(task for task in (SINGLE, SEVERAL, LEVELS) if params.fits(task))
    if not found:
        raise SkippedLaw(f"there are no laws for the tasks {', '.join(sorted(params.tasks))}")
    return found
