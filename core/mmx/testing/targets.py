"""What losses and hooks are asked in the laws: targets of each task, and outputs that fit them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from pydantic import ValidationError
from torch import Tensor

from mmx.blocks import Sigmoid, Softmax
from mmx.errors import PluginError, ShapeError
from mmx.interfaces import IMAGE, TEXT, Link, LossParams, Outputs, Params, TaskParams
from mmx.testing.law import SkippedLaw
from mmx.testing.task_rows import Beside, rows_of_task
from mmx.testing.written_api import api_of

WIDTH = 3  # classes, labels or levels
SINGLE = "single_label"
SEVERAL = "multi_label"
LEVELS = "ordinal"
KNOWN = (SINGLE, SEVERAL, LEVELS)  # the tasks of which these laws have targets of their own
COUNTS = torch.tensor([90, 9, 1])
TARGET = torch.tensor([0, 1, 2, 0, 1])
LABEL_COUNTS = torch.tensor([[60, 30, 10], [80, 15, 5], [20, 20, 60]])
LABEL_TARGET = torch.tensor([[1, 0, -1], [0, -1, -1], [1, 1, 0], [-1, -1, -1], [0, 0, 1]])
ROWS = len(TARGET)
SHARES = torch.tensor([60, 30, 10])
LABEL_SHARES = torch.tensor([[60, 30, 10], [50, 50, 0], [70, 10, 20]])
MODELS = ((IMAGE, TEXT), ("scan",), ("scan", "words", "values"))
"""Modalities of the models in which a loss is tried, of those that it does not refuse."""

Guess = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Population:
    """Rows for which the prior of a loss is asked.

    Attributes:
        counts: of these rows, as ``LossParams.build`` takes them.
        target: of all of them.
        guess: from what ``Loss.prior`` gives to the answer for a row of which nothing is seen, as
            ``Link.log_probs`` gives it: [C], [L, 2], or as the task has it.
    """

    counts: Tensor
    target: Tensor
    guess: Guess


@dataclass(frozen=True)
class Question:
    """The target of a task, in a model of some modalities.

    Attributes:
        task: its type.
        counts: of the training part, as ``LossParams.build`` takes them.
        bare: counts of which one class has no row; those of the training part where a task from
            outside is asked.
        target: of five rows.
        values: targets [...] of one row, of each kind that a row can have.
        link: from raw outputs to logits.
        population: rows for which the prior is asked.
        no_probabilities: why the answers of this task are no probabilities; empty where they are.
        modalities: of the model.
        parts: whose logits it gives: of all modalities, and what a loss reads besides.
    """

    task: str
    counts: Tensor
    bare: Tensor
    target: Tensor
    values: tuple[Tensor, ...]
    link: Link
    population: Population
    no_probabilities: str = ""
    modalities: tuple[str, ...] = MODELS[0]
    parts: tuple[str, ...] = MODELS[0]

    @property
    def some(self) -> Tensor:
        """[5, M], bool: rows in turn lack nothing, or one of the modalities; the last lacks all."""
        rows, columns = torch.arange(ROWS)[:, None], torch.arange(len(self.modalities))
        return ((rows % (len(self.modalities) + 1)) != columns + 1) & (rows != ROWS - 1)

    def outputs(self, rows: int, seed: int = 0, *, far: bool = False) -> Outputs:
        """Random outputs of a model; their logits are asked for a gradient.

        Args:
            rows: B.
            seed: of the numbers.
            far: raw outputs of +-1e4 instead, of which the parts are turned round.
        """
        generator, drawn = torch.Generator().manual_seed(seed), range(1 + len(self.parts))
        raw = [torch.randn(rows, self.link.inputs, generator=generator) for _ in drawn]
        if far:
            raw = [1e4 * one.sign() for one in raw]
            raw = [raw[0], *(one.flip(1) for one in raw[1:])]
        logits, *others = (self.link(one).detach().requires_grad_() for one in raw)
        parts = dict(zip(self.parts, others, strict=True))
        return Outputs(logits, parts, modalities=self.modalities)


def questions_of(params: LossParams) -> tuple[Question, ...]:
    """What a loss is asked: each task that it is defined for, in models of some modalities.

    Raises:
        SkippedLaw: nothing can be asked, and why.
    """
    refused = {names: refusal(params, names) for names in MODELS}
    models = [names for names, words in refused.items() if not words]
    if not models:
        words = "it takes none of the modalities that these laws try"
        raise SkippedLaw(f"{words}: {refused[MODELS[0]]}")
    known = [_known(params, task) for task in KNOWN if _fits(params, task)]
    found, missing = outside(params)
    asked = [*known, *(_of_task(params, task) for task in found)]
    if not asked:
        raise SkippedLaw("; ".join(missing) or "it is defined for no task")
    return tuple(_in_model(params, one, names) for one in asked for names in models)


def question_of(params: LossParams) -> Question:
    """The first of ``questions_of``.

    Raises:
        SkippedLaw: nothing can be asked, and why.
    """
    return questions_of(params)[0]


def _in_model(params: LossParams, asked: Question, names: tuple[str, ...]) -> Question:
    """The question in a model of these modalities, with the parts that the loss reads in it."""
    loss = params.build(asked.counts)
    loss.set_modalities(names)
    return replace(asked, modalities=names, parts=tuple(dict.fromkeys((*names, *loss.parts))))


def refusal(params: LossParams, names: tuple[str, ...]) -> str:
    """Why a loss is not tried in a model of these modalities; empty where it is."""
    if api_of(type(params)) == 1 and names != MODELS[0]:
        return "it is written for plugin API 1, which knows an image and a text alone"
    try:
        params.check_modalities(names)
    except ShapeError as error:
        return str(error)
    return ""


def tasks_of(params: Params) -> tuple[str, ...]:
    """The tasks of these laws that a method is defined for, at least one.

    Raises:
        SkippedLaw: it is for other tasks.
    """
    found = tuple(task for task in KNOWN if _fits(params, task))
    if not found:
        raise SkippedLaw(f"there are no laws for the tasks {', '.join(sorted(params.tasks))}")
    return found


def outside(params: Params) -> tuple[tuple[TaskParams, ...], tuple[str, ...]]:
    """Tasks that these laws do not know by name, as their packages give them.

    Returns:
        Those that a method names and that are installed or stand in its own module, and for each
        of the others why it cannot be tried.
    """
    found, missing = [], []
    for name in sorted(params.tasks - {*KNOWN, "*"}):
        try:
            task = Beside(params).find("task", name)()
        except PluginError:
            missing.append(f"task {name} is not installed")
        except ValidationError:
            missing.append(f"task {name} needs settings")
        else:
            assert isinstance(task, TaskParams)
            if not params.misfit(name):
                found.append(task)
    return tuple(found), tuple(missing)


def _fits(params: Params, task: str) -> bool:
    return params.fits(task) and not params.misfit(task)


def _known(params: LossParams, task: str) -> Question:
    """A target of one of several classes or levels, or of several labels."""
    if task == SEVERAL:
        values = torch.tensor([0, 1, -1])
        target = torch.stack([values.repeat_interleave(of) for of in LABEL_SHARES], dim=1)
        return Question(
            task,
            LABEL_COUNTS,
            torch.tensor([[5, 0, 1], [0, 6, 0], [0, 0, 6]]),
            LABEL_TARGET,
            tuple(values[:, None].expand(-1, WIDTH)),
            params.link(LABEL_COUNTS) or Sigmoid(WIDTH),
            Population(LABEL_SHARES, target, _shares),
        )
    classes = torch.arange(WIDTH)
    return Question(
        task,
        COUNTS,
        torch.tensor([5, 0, 1]),
        TARGET,
        tuple(classes),
        params.link(COUNTS) or Softmax(WIDTH),
        Population(SHARES, classes.repeat_interleave(SHARES), _shares),
    )


def _of_task(params: LossParams, task: TaskParams) -> Question:
    """The target that a task from outside makes of its own example rows."""
    given = rows_of_task(task)
    counts, target = given.task.counts(given.scored), given.task.for_training(given.scored)
    five = target[
        torch.linspace(0, len(target) - 1, ROWS).long()
    ]  # they differ more than the first
    return Question(
        task.entry_point.partition(".")[2],
        counts,
        counts,
        five,
        tuple(five),
        params.link(counts) or given.task.link(),
        Population(counts, target, given.task.guess),
        task.expected_failures.get("probabilities", ""),
    )


def _shares(prior: Tensor) -> Tensor:
    """As the tasks of mmx guess: shares of classes, of several labels for each of them."""
    return (prior / prior.sum(dim=-1, keepdim=True)).log()
