"""What a task is asked: rows of labels, some of them unknown, and answers of a model to them."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mmx.errors import DataError
from mmx.interfaces import LossParams, Params, Sample, Scores, Task, TaskParams
from mmx.plugins import Plugins

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = 60
NAMES = ("first", "second", "third")
UNKNOWN = 10  # every so many rows have no label at all
STEPS, RATE = 60, 0.5  # of the answers that fit


def rows_of_labels(names: Sequence[str], rows: int = ROWS) -> list[Sample]:
    """Rows for a task that gives no example: one of the names, and 1, 0 or blank for each."""
    drawn = torch.rand(rows, len(names), generator=torch.Generator().manual_seed(2))
    # the first name is the most frequent: a a a b b c
    turns = [name for at, name in enumerate(names) for _ in range(len(names) - at)]
    found = []
    for row in range(rows):
        blank = row % UNKNOWN == UNKNOWN - 1
        cells = {
            name: None if blank or value < 0.1 else float(value > 0.6)
            for name, value in zip(names, drawn[row].tolist(), strict=True)
        }
        label = None if blank else turns[row % len(turns)]
        found.append(Sample(f"row {row}", f"group {row // 2}", label=label, labels=cells))
    return found


@dataclass(frozen=True)
class TaskRows:
    """Rows with their targets, as a run would make them.

    Attributes:
        params: of the task.
        task: built.
        samples: n rows.
    """

    params: TaskParams
    task: Task
    samples: Sequence[Sample]

    @cached_property
    def target(self) -> Tensor:
        """[n, ...], of all rows."""
        return torch.from_numpy(np.array([self.task.target(one).value for one in self.samples]))

    @cached_property
    def known(self) -> Tensor:
        """[m], the rows of which something is known."""
        return torch.nonzero(self.task.known(self.target)).flatten()

    @property
    def scored(self) -> Tensor:
        """[m, ...], their targets."""
        return self.target[self.known]

    @property
    def groups(self) -> list[str]:
        """Their groups."""
        return [self.samples[row].group for row in self.known.tolist()]

    def raw(self, rows: int, *, seed: int = 0, size: float = 1.0) -> Tensor:
        """Random raw outputs [rows, R] of a head."""
        draws = torch.Generator().manual_seed(seed)
        return size * torch.randn(rows, self.task.link().inputs, generator=draws)

    def log_probs(self, raw: Tensor) -> Tensor:
        """What predictions are made of raw outputs."""
        link = self.task.link()
        found: Tensor = link.log_probs(link(raw))
        return found

    @cached_property
    def random(self) -> Tensor:
        """Answers by chance to the rows that are known."""
        return self.log_probs(self.raw(len(self.known))).detach()

    @cached_property
    def fitting(self) -> Tensor:
        """Answers to them that make ``part_loss`` small, as a model that knows the truth."""
        raw = torch.zeros(len(self.known), self.task.link().inputs, requires_grad=True)
        target = self.task.for_training(self.scored)
        optimizer = torch.optim.Adam([raw], lr=RATE)
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = self.task.part_loss(self.log_probs(raw), target).sum()
            (raw.grad,) = torch.autograd.grad(loss, [raw])
            optimizer.step()
        return self.log_probs(raw).detach()

    def evaluated(self, log_probs: Tensor, order: Tensor | None = None) -> Scores:
        """The scores of answers to the known rows, in another order where one is given."""
        order = torch.arange(len(self.known)) if order is None else order
        groups = [self.groups[row] for row in order.tolist()]
        return self.task.evaluate(plain(log_probs[order]), self.scored[order].numpy(), groups)

    def told(self, log_probs: Tensor) -> str:
        """The scores of answers to the known rows as metrics.json would hold them."""
        return json.dumps(self.evaluated(log_probs).to_json())

    def quick(self, log_probs: Tensor) -> Mapping[str, float]:
        """The scores after an epoch."""
        return self.task.quick_scores(plain(log_probs), self.scored.numpy())


def plain(log_probs: Tensor) -> "NDArray[np.float64]":
    """As an evaluation is given them."""
    return log_probs.double().numpy()


def rows_of_task(params: TaskParams) -> TaskRows:
    """The task with its own example rows, else with those of this kit."""
    named = _named(params)
    samples = list(params.example(ROWS)) or rows_of_labels(named or NAMES)
    names = named or _names(samples)
    return TaskRows(params, params.build(names), samples)


def without(sample: Sample) -> Sample:
    """The same row without any label."""
    return replace(sample, label=None, labels={})


def _named(params: TaskParams) -> tuple[str, ...]:
    """Names that stand in the settings, such as levels."""
    try:
        return params.build(()).names
    except (DataError, IndexError):  # it takes them from the data
        return ()


def _names(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Columns of labels, else the labels themselves."""
    columns = dict.fromkeys(name for one in samples for name in one.labels)
    return tuple(columns) or tuple(sorted({one.label for one in samples if one.label}))


class Beside(Plugins):
    """What is installed, and besides all that the module of a method gives, installed or not."""

    def __init__(self, params: Params) -> None:
        super().__init__()
        given = getattr(sys.modules[type(params).__module__], "mmx_components", tuple)
        own = [*given(), type(params)]
        self._own = {(one.kind, one.model_fields["type"].default): one for one in own}

    def find(self, kind: str, type: str) -> type[Params]:
        """As of the module of the method, else as installed."""
        return self._own.get((kind, type)) or super().find(kind, type)


def default_loss(params: TaskParams) -> LossParams:
    """The loss that a spec of this task has when it names none.

    Raises:
        PluginError: there is none of this name.
    """
    found = Beside(params).find("loss", params.default_loss)()
    assert isinstance(found, LossParams)
    return found
