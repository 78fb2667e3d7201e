"""How a linear probe is judged: the loss that it is fitted by, and the score that is its aim."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mmx.interfaces import HeadRows, Task, TaskParams
from mmx.training.objective import class_weights


@dataclass(frozen=True, slots=True)
class ProbeJudge:
    """Judges outputs of a linear probe.

    Attributes:
        task: owns the target.
        params: its settings; the first of ``selects`` is its headline.
        log_probs: of outputs [n, R], float64, as predictions are made from them.
        prior: [C], class shares that answers are for; None: rows have no one class.
    """

    task: Task
    params: TaskParams
    log_probs: Callable[[Tensor], Tensor]
    prior: Tensor | None

    def rows(self, train: Tensor, target: Tensor, validation: Tensor, truth: Tensor) -> HeadRows:
        """Rows to fit to.

        Args:
            train: [n, D], features.
            target: [n, ...], known ones.
            validation: [m, D].
            truth: [m, ...], known ones.
        """
        target = self.task.for_training(target)
        weights = class_weights(target, self.prior) * self.task.known_answers(target)
        name, higher = next(iter(self.params.selects.items()))

        def loss(raw: Tensor) -> Tensor:
            return (weights * self.task.part_loss(self.log_probs(raw), target)).mean()

        def quality(raw: Tensor) -> float:
            with torch.no_grad():
                answered = self.log_probs(raw).numpy()
            value = self.task.quick_scores(answered, truth.numpy())[name]
            return value if higher else -value

        return HeadRows(train, validation, loss, quality)
