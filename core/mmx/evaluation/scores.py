"""The scores of a task that are those of one evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mmx.evaluation.label_results import LabelEvaluation
from mmx.evaluation.results import Evaluation
from mmx.interfaces import Interval, Scores

F = TypeVar("F", Evaluation, LabelEvaluation)


@dataclass(frozen=True)
class EvaluationScores(Scores, Generic[F]):
    """Scores of one set of predictions; a task adds the words and sections of its report.

    Attributes:
        found: the evaluation.
    """

    found: F

    @property
    def samples(self) -> int:
        """Rows that were scored."""
        return self.found.samples

    @property
    def groups(self) -> int:
        """Distinct groups among them."""
        return self.found.groups

    @property
    def effective(self) -> float:
        """n*, independent samples that would tell as much of the headline."""
        return self.found.effective

    @property
    def metrics(self) -> Mapping[str, Interval]:
        """All metrics by name, in the order in which they are shown."""
        return self.found.metrics

    @property
    def notes(self) -> Sequence[str]:
        """What a reader has to know about these numbers."""
        return self.found.notes

    def to_json(self) -> dict[str, Any]:
        """Plain data for metrics.json."""
        return self.found.to_json()
