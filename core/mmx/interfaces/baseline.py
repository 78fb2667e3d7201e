"""Baselines: methods that answer from the record alone, as controls of a study."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from mmx.interfaces.params import Params
from mmx.interfaces.records import Record
from mmx.interfaces.task import Task


@dataclass(frozen=True, slots=True)
class TargetRows:
    """Rows of one part whose target is known.

    Attributes:
        records: n of them.
        target: [n, ...], as the task knows it.
        weights: [n], above 0, mean 1: where rows have one class each they give the classes the
            shares that the answers of the base are for.
    """

    records: Sequence[Record]
    target: Tensor
    weights: Tensor


@dataclass(frozen=True, slots=True)
class BaselineAnswers:
    """What a baseline answered, and what a reader should know of it.

    Attributes:
        log_probs: [m, ...], as ``Link.log_probs`` gives it.
        note: in one sentence what it read and what was chosen on validation.
    """

    log_probs: Tensor
    note: str = ""


class BaselineParams(Params):
    """Settings of a baseline."""

    kind: ClassVar[str] = "baseline"

    @abstractmethod
    def build(self) -> "Baseline":
        """Build it.

        Raises:
            MissingExtraError: a library that it needs is not installed.
        """


class Baseline(ABC):
    """Learns from training records, chooses on validation, and answers other records.

    It is never shown the targets of the rows that it answers.
    """

    @abstractmethod
    def answers(
        self,
        task: Task,
        train: TargetRows,
        validation: TargetRows,
        asked: Sequence[Record],
        excluded: Mapping[str, str],
    ) -> BaselineAnswers:
        """Answer each record by itself; the same rows give the same answers.

        Args:
            task: owns the target.
            train: what it learns from.
            validation: by which it chooses, such as when to stop.
            asked: m records.
            excluded: fields that must not be read, such as the label, and why.

        Raises:
            SettingsError: its settings name fields that are excluded or not there.
            DataError: nothing can be learned from these records.
        """
