"""Tasks: the one object that owns the target, from the labels of a sample to the report."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from mmx.interfaces.comparable_task import ComparableTask
from mmx.interfaces.link import Link
from mmx.interfaces.params import Params
from mmx.interfaces.sections import MetricWords, ScoreSection, Summary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mmx.interfaces.dataset import Sample
    from mmx.interfaces.interval import Interval


@dataclass(frozen=True, slots=True)
class Target:
    """What a sample is to be learned as.

    Attributes:
        value: one number, or one for each of several; of the same kind for all samples.
        fault: why the row has no usable label; empty where it has.
    """

    value: int | float | tuple[int | float, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Strata:
    """One way to sort rows, of which every part of a split is to have its share.

    Attributes:
        name: of the label or quantity; empty where there is one way only.
        classes: into which rows are sorted.
        labels: [n], int64, places in ``classes``; -1 where it is not known.
        ordered: whether the classes are levels in their order, from the lowest to the highest.
    """

    name: str
    classes: tuple[str, ...]
    labels: "NDArray[np.int64]"
    ordered: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """The classes with the name of the label in front, where it has one."""
        return tuple(f"{self.name}: {one}" if self.name else one for one in self.classes)


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A wrong answer.

    Attributes:
        row: its place among the predictions.
        answer: place in ``Task.names`` of what was answered wrongly.
        true: what is right, in words.
        predicted: what was answered, in words.
        confidence: in the wrong answer, in [0, 1].
        of_truth: probability of what is right, in [0, 1].
    """

    row: int
    answer: int
    true: str
    predicted: str
    confidence: float
    of_truth: float


class Scores(ABC):
    """What an evaluation found: numbers with intervals, and how a report shows them."""

    @property
    @abstractmethod
    def samples(self) -> int:
        """Rows that were scored."""

    @property
    @abstractmethod
    def groups(self) -> int:
        """Distinct groups among them."""

    @property
    @abstractmethod
    def effective(self) -> float:
        """n*, independent samples that would tell as much of the headline."""

    @property
    @abstractmethod
    def metrics(self) -> "Mapping[str, Interval]":
        """All metrics by name, in the order in which they are shown."""

    @property
    @abstractmethod
    def notes(self) -> Sequence[str]:
        """What a reader has to know about these numbers."""

    @property
    def described(self) -> Mapping[str, MetricWords]:
        """Words on metrics; one that has none is shown by its name."""
        return {}

    @property
    def answer_unit(self) -> str | None:
        """Of numbers that are answered: years, or empty; None: answers are probabilities."""
        return None

    @abstractmethod
    def to_json(self) -> dict[str, object]:
        """Plain data for metrics.json, ``metrics`` among them."""

    @abstractmethod
    def summary(self, group: str) -> Summary:
        """The top of a report; ``group`` is what a group is called: lesion, patient."""

    @abstractmethod
    def sections(self, group: str) -> Sequence[ScoreSection]:
        """Sections of a report: tables and figures of these scores."""


class TaskParams(Params):
    """Settings of a task."""

    kind: ClassVar[str] = "task"
    # each row has exactly one of the classes, as int64: only then rows can be weighted or drawn
    # by class, and answers be turned to another prior
    exclusive: ClassVar[bool] = False
    # loss of a spec that names none
    default_loss: ClassVar[str] = "cross_entropy"
    # scores that train.select may name -> whether higher is better; the first is the headline
    selects: ClassVar[Mapping[str, bool]] = {}

    @property
    def compares(self) -> Mapping[str, MetricWords]:
        """Metrics by which studies compare methods, the first unless they name one; none: never."""
        return {}

    @abstractmethod
    def build(self, names: Sequence[str], state: Mapping[str, object] | None = None) -> "Task":
        """Build the task for a data set.

        Args:
            names: ``Dataset.classes``: class names, or names of the label columns.
            state: what ``Task.state`` gave when a run was made; None when it begins.

        Raises:
            DataError: this task cannot be learned from such labels.
        """

    def example(self, rows: int) -> "Sequence[Sample]":
        """Labelled samples for ``mmx plugins check``, some of them without a known label.

        Empty: as ``label`` one of three names or None, and in ``labels`` 1, 0 or None for each.

        Args:
            rows: about how many; two or more of each group.
        """
        return ()


class Task(ComparableTask):
    """Owns the target: labels, link, scores, predictions and their report.

    Attributes:
        type: its name in a spec.
        names: classes, labels or levels in their order; predictions have a column for each.
    """

    type: str
    names: tuple[str, ...]

    @property
    def answer_unit(self) -> str | None:
        """Of numbers that are answered, as ``Scores.answer_unit``; None: probabilities."""
        return None

    # rows

    @abstractmethod
    def target(self, sample: "Sample") -> Target:
        """What a sample is to be learned as."""

    @abstractmethod
    def known(self, target: Tensor) -> Tensor:
        """[n], bool: rows of a target [n, ...] of which something is known."""

    def for_training(self, target: Tensor) -> Tensor:
        """The target as the loss sees it; scores see it as it is."""
        return target

    @abstractmethod
    def strata(self, target: "NDArray[Any]") -> Sequence[Strata]:
        """How rows are sorted for split, data report, audit and notes on small classes."""

    @abstractmethod
    def counts(self, target: Tensor) -> Tensor:
        """What samplers, losses and links learn of the training part.

        Args:
            target: of the training part.

        Returns:
            [C], rows of each class; [L, 3] of several labels, rows in which each is absent, present
            and unknown; of a number what its loss takes, such as mean and spread.
        """

    def check(self, target: "NDArray[Any]", part: str = "") -> None:
        """Refuse rows from which nothing can be learned.

        Args:
            target: of all rows, or of a part.
            part: what it is called, such as training; empty for all rows.

        Raises:
            DataError: says what is lacking.
        """

    @abstractmethod
    def words(self, target: "NDArray[Any]") -> "NDArray[np.object_]":
        """[n]: each target in words, for split.csv and pages; empty where nothing is known."""

    # model

    @abstractmethod
    def link(self) -> Link:
        """From what a head gives to probabilities, for losses that bring no link of their own."""

    @abstractmethod
    def part_loss(self, log_probs: Tensor, target: Tensor) -> Tensor:
        """[B]: negative log likelihood of each row, for the small heads of ``train.auxiliary``."""

    def known_answers(self, target: Tensor) -> Tensor:
        """[B]: how many answers are known of each row, over which ``part_loss`` is a mean."""
        return torch.ones(len(target))

    def guess(self, prior: Tensor) -> Tensor:
        """What is predicted of one row of which nothing is seen, as ``Link.log_probs`` gives it.

        Args:
            prior: what ``Loss.prior`` gave.
        """
        shares = prior.clamp(min=torch.finfo(torch.float32).tiny)
        return (shares / shares.sum(dim=-1, keepdim=True)).log()

    # scores

    @abstractmethod
    def quick_scores(
        self, log_probs: "NDArray[np.float64]", target: "NDArray[Any]"
    ) -> dict[str, float]:
        """Scores of rows that are known, without intervals; those of ``TaskParams.selects``."""

    @abstractmethod
    def evaluate(
        self, log_probs: "NDArray[np.float64]", target: "NDArray[Any]", groups: Sequence[str]
    ) -> Scores:
        """Scores of rows that are known, with intervals that allow for groups of rows."""

    def gains(
        self,
        name: str,
        kept: "NDArray[np.float64]",
        new: "NDArray[np.float64]",
        target: "NDArray[Any]",
        block: "NDArray[np.int64]",
    ) -> "NDArray[np.float64] | None":
        """[B], what the new answers of each block add to the difference of one quick score.

        Half of what the new answers lose where the block answers as before, and half of what the
        kept ones gain where it answers anew; positive is better. A task answers where it need not
        score 2 B times; None: it is worked out by ``quick_scores``.

        Args:
            name: of the score.
            kept: log-probabilities [n, ...].
            new: of the same known rows.
            target: [n, ...].
            block: [n], in 0..B-1, each with a row.
        """
        return None

    def fitted(self, log_probs: Tensor, target: Tensor, groups: Sequence[str]) -> "Task":
        """The same task with what it decides on validation, such as thresholds."""
        return self

    def state(self) -> dict[str, object]:
        """What ``fitted`` decided, as plain data for ``TaskParams.build``."""
        return {}

    # predictions

    @abstractmethod
    def values(self, log_probs: Tensor) -> Tensor:
        """[n, len(names)]: the numbers that stand in the columns p_NAME."""

    @abstractmethod
    def predicted(self, log_probs: Tensor) -> Tensor:
        """[n], int64: place in ``names`` of what an explanation of each row is about."""

    @abstractmethod
    def answers(self, log_probs: Tensor) -> "dict[str, NDArray[np.generic]]":
        """Columns of predictions.parquet [n] that name the answer, ``predicted`` among them."""

    @abstractmethod
    def truths(self, target: Tensor) -> "dict[str, NDArray[np.generic]]":
        """Columns of predictions.parquet [n] that hold the target; None or NaN where unknown."""

    def wrong(self, log_probs: Tensor, target: Tensor, most: int) -> Sequence[WrongAnswer]:
        """Up to ``most`` wrong answers, the most confident first, for the report."""
        return ()


def known_rows(task: Task, target: Tensor) -> Tensor:
    """[m], int64: the rows of which something is known."""
    return torch.nonzero(task.known(target)).flatten()
