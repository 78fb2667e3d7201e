"""What the validation part says of a model, and whether that is better by more than chance."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mmx.interfaces import known_rows
from mmx.spec import Spec
from mmx.training.exchange import blocks_of, bound, chance, exchanged_gains
from mmx.training.interfaces import Rows
from mmx.training.precision import Precision
from mmx.training.scoring import Processes, better, known_log_probs
from mmx.training.trainee import Trainee


class Validation:
    """Scores a model by the validation part, beside its epoch that is kept.

    With ``train.confidence`` an epoch is better only where chance alone would hardly make it so:
    see ``mmx.training.exchange``.

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
        self._last = self._kept = torch.empty(0)

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
        self._last = log_probs
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
        higher = self.spec.task.selects[self.spec.select]
        if not better(value, than, higher=higher):
            return False
        if than is None or than != than or self.spec.train.confidence is None:
            return True
        return chance(self._gains(higher)) <= bound(self.spec.train)

    def _gains(self, higher: bool) -> Tensor:
        """[B], what each block of groups adds to the difference from what is kept."""
        task, select = self.trainee.task, self.spec.select
        target = self.target.numpy()
        block = blocks_of([self.part.groups[int(row)] for row in self.known])
        found = task.gains(select, self._kept.numpy(), self._last.numpy(), target, block.numpy())
        if found is not None:
            return torch.from_numpy(found)
        sign = 1 if higher else -1

        def score(log_probs: Tensor) -> float:
            return sign * task.quick_scores(log_probs.numpy(), target)[select]

        return exchanged_gains(score, self._kept, self._last, block)
