"""What a study gives a task, and asks of it, to compare methods on the same test rows."""

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from mmx.interfaces.feature_rows import FeatureRows
from mmx.interfaces.score import Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class MethodAnswers:
    """What one method answered to the same n rows, once for each of S training seeds.

    Attributes:
        values: [S, n, N], what ``Task.values`` gave: the columns p_NAME of predictions.
        columns: [S, n] by name, the other columns, those of ``Task.answers`` among them.
    """

    values: "NDArray[np.float64]"
    columns: "Mapping[str, NDArray[np.generic]]"


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A score of each class or label of one method; it explains a comparison, it decides nothing.

    Attributes:
        title: of the section, such as Classes.
        score: what stands in its cells, such as Sensitivity.
        one: what a column is, such as class.
        values: by name of the class or label, in [0, 1], mean over the seeds.
        form: of a value, as ``format`` takes it.
    """

    title: str
    score: str
    one: str
    values: Mapping[str, float]
    form: str = ".2f"


@dataclass(frozen=True, slots=True)
class ConstantAnswer:
    """One answer to all rows, learned of the training labels alone: a control of studies.

    Attributes:
        name: of the control, such as majority class.
        meaning: what is left to it, as in "no arm beats the most common class alone".
        log_probs: of one row, as ``Link.log_probs`` gives it: [C], or [L, 2] of several labels.
    """

    name: str
    meaning: str
    log_probs: Tensor


class ComparableTask(ABC):
    """What a study asks of a task, beside what a run asks of it: see ``Task``.

    Attributes:
        type: its name in a spec.
    """

    type: str

    def compared(
        self,
        answers: Mapping[str, MethodAnswers],
        truths: "Mapping[str, NDArray[np.generic]]",
        groups: Sequence[str],
        metrics: Sequence[str],
    ) -> Mapping[str, Score]:
        """The metrics of all methods, so that differences can be resampled by groups.

        Args:
            answers: by method, to the same n rows.
            truths: [n] by name, columns of predictions, those of ``truths`` among them; every row
                is known.
            groups: n names.
            metrics: of ``TaskParams.compares``.

        Raises:
            DataError: these rows cannot be scored.
        """
        raise NotImplementedError(f"task {self.type} has no metrics to compare methods by")

    def breakdown(
        self, answers: MethodAnswers, truths: "Mapping[str, NDArray[np.generic]]"
    ) -> Breakdown | None:
        """A score of each class or label of one method, beside the verdicts; None: there is none.

        Args:
            answers: of the method.
            truths: as for ``compared``.
        """
        return None

    def reliability(
        self, answers: MethodAnswers, truths: "Mapping[str, NDArray[np.generic]]"
    ) -> Sequence[tuple[float, float]]:
        """Points (confidence, share that is right) of one method; empty: no confidence is given.

        Args:
            answers: of the method.
            truths: as for ``compared``.
        """
        return ()

    def constants(self, target: Tensor) -> Sequence[ConstantAnswer]:
        """Answers that see no row: controls of every study.

        Args:
            target: of the training part.
        """
        return ()

    def probe(
        self,
        train: FeatureRows,
        target: Tensor,
        test: FeatureRows,
        prior: Tensor | None,
        strength: float,
    ) -> Tensor | None:
        """Answers of a linear model to features that are given, a control; None: none is known.

        A study asks it about words of the record.

        Args:
            train: [n, F], features of training rows that are known, sparse or not.
            target: [n, ...], theirs.
            test: [m, F], features of the rows to answer.
            prior: [C], class shares to learn for where rows have one class each, else None.
            strength: inverse weight of the penalty: more of it fits the training rows closer.

        Returns:
            [m, ...], as ``Link.log_probs`` gives it.
        """
        return None

    def prompted(self, logits: Tensor, *, alone: bool) -> Tensor | None:
        """Answers of a model that compares images with a text for each name: a control of runs.

        Args:
            logits: [m, N], how well the text of each of ``names`` fits.
            alone: whether the sigmoid of a logit is the probability that its text fits; else texts
                are compared with one another, by a softmax.

        Returns:
            [m, ...], as ``Link.log_probs`` gives it; None: such a model has no answer to this task.
        """
        return None
