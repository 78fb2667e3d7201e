"""What the validation part says of a model, and whether that is better by more than chance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor

from mmx.interfaces import known_rows
from mmx.spec import Spec
from mmx.training.interfaces import Rows
from mmx.training.precision import Precision
from mmx.training.scoring import Processes, better, known_log_probs
from mmx.training.trainee import Trainee

BLOCKS = 50  # of groups, at most; more of them make the standard error little surer


class Validation:
    """Scores a model by the validation part, beside its epoch that is kept.

    With ``train.margin`` an epoch is better only by more than so many standard errors of the
    difference. Breiman et al. 1984, Classification and Regression Trees, 3.4.3, keep the simplest
    tree within one standard error of the best; here the earlier epoch is the simpler one.

    Args:
        trainee: the model, as it is when ``scores`` is called.
        part: the validation part.
        spec: ``train`` and ``evaluation.batch_size`` are read.
        precision: arithmetic of the model.
        processes: that share the rows.
    """

    def __init__(
        self, trainee: Trainee, part: Rows, spec: Spec, precision: Precision, processes: Processes
    ) -> None:
        self.trainee = trainee
        self.part = part
        self.spec = spec
        self.precision: Precision = precision
        self.processes = processes
        self.known = known_rows(trainee.task, part.labels)
        self.target = part.labels[self.known]
        self._last = Answers(torch.empty(0))
        self._kept = self._last

    def scores(self) -> dict[str, float]:
        """Of the model as it is now; none where no row is known."""
        if not len(self.known):
            return {}
        log_probs = known_log_probs(
            self.trainee,
            self.part,
            batch_size=self.spec.evaluation.batch_size,
            precision=self.precision,
            processes=self.processes,
        )
        self._last = Answers(log_probs)
        return self.trainee.task.quick_scores(log_probs.numpy(), self.target.numpy())

    def keep(self) -> None:
        """What was scored last is kept."""
        self._kept = self._last

    def recall(self, weights: Mapping[str, Tensor]) -> None:
        """What the model answered with the weights that are kept; it has them now."""
        self.trainee.model.load_trainable(weights)
        self.scores()
        self.keep()

    def better(self, value: float, than: float | None) -> bool:
        """Whether what was scored last, with this score, is better than what is kept."""
        higher, margin = self.spec.task.selects[self.spec.select], self.spec.train.margin
        if not better(value, than, higher=higher):
            return False
        if than is None or than != than or not margin:
            return True
        return abs(value - than) > margin * self._standard_error()

    def _standard_error(self) -> float:
        """Of the difference of the scores of what was scored last and of what is kept."""
        return standard_error(self._without(self._last) - self._without(self._kept))

    def _without(self, answers: "Answers") -> Tensor:
        """[blocks], scores without each block; of labels and rows in thousands it takes long."""
        if answers.without is None:
            groups = [self.part.groups[int(row)] for row in self.known]

            def score(rows: Tensor) -> float:
                target = self.target[rows].numpy()
                scores = self.trainee.task.quick_scores(answers.log_probs[rows].numpy(), target)
                return scores[self.spec.select]

            answers.without = leave_one_out(score, groups)
        return answers.without


@dataclass
class Answers:
    """What a model answered to the known validation rows.

    Attributes:
        log_probs: [n, ...].
        without: scores without each block of groups; None: not asked yet.
    """

    log_probs: Tensor
    without: Tensor | None = None


def leave_one_out(statistic: Callable[[Tensor], float], groups: Sequence[str]) -> Tensor:
    """[blocks], float64: a statistic of the rows outside of each block of groups.

    Groups are dealt to at most 50 blocks in their order.

    Args:
        statistic: of rows [m], places in ``groups``.
        groups: [n], of each row.
    """
    numbers = {name: index for index, name in enumerate(dict.fromkeys(groups))}
    blocks = min(BLOCKS, len(numbers))
    if blocks < 2:
        return torch.empty(0, dtype=torch.float64)
    block = torch.tensor([numbers[name] % blocks for name in groups])
    values = [statistic((block != index).nonzero().flatten()) for index in range(blocks)]
    return torch.tensor(values, dtype=torch.float64)


def standard_error(left_out: Tensor) -> float:
    """Of a statistic, by the jackknife, from what ``leave_one_out`` gave [blocks].

    Infinite with fewer than two blocks, and where the statistic is none without one of them, on
    which it then hangs.

    Source: Tukey 1958; Efron and Stein 1981, doi:10.1214/aos/1176345462.
    """
    if len(left_out) < 2 or not left_out.isfinite().all():
        return float("inf")
    return sqrt((len(left_out) - 1) * float(left_out.var(correction=0)))
