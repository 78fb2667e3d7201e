"""The loss of any task as gradient boosting asks for it: value, gradient, diagonal curvature."""

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mmx.interfaces import Link, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

_FLATTEST = 1e-6  # where the loss is flat, such as under a blank label, a leaf divides by this


class TaskObjective:
    """Mean weighted negative log likelihood of rows, as the task has it.

    Args:
        task: whose ``part_loss`` it is.
        link: from K raw outputs to what the task reads.
        target: [n, ...].
        weights: [n].
    """

    def __init__(self, task: Task, link: Link, target: Tensor, weights: Tensor) -> None:
        self._task, self._link = task, deepcopy(link).double().requires_grad_(False)
        self._target, self._weights = target, weights.double()

    def constant(self) -> Tensor:
        """[K], the outputs that fit all rows best when they are the same for each."""
        from scipy.optimize import minimize  # where trees are grown alone

        many = len(self._target)

        def mean(outputs: "Scores") -> "tuple[float, Scores]":
            raw = np.tile(outputs, (many, 1))
            return self.loss(raw), self.derivatives(raw)[0].mean(axis=0)

        start = np.zeros(self._link.inputs)
        found = minimize(mean, start, jac=True, method="BFGS", options={"gtol": 1e-9})
        return torch.from_numpy(found.x)

    def loss(self, raw: "Scores") -> float:
        """The mean, for raw outputs [n, K]."""
        with torch.no_grad():
            return float(self._rows(self._outputs(raw)).mean())

    def derivatives(self, raw: "Scores") -> "tuple[Scores, Scores]":
        """First and second derivative of each row's loss by each output, in the shape of ``raw``.

        Args:
            raw: [n, K]; [n] of one output, as LightGBM gives it then.
        """
        outputs = self._outputs(raw).requires_grad_()
        (slope,) = torch.autograd.grad(self._rows(outputs).sum(), outputs, create_graph=True)
        curves = []
        for output in range(outputs.shape[1]):  # rows know nothing of each other
            (row,) = torch.autograd.grad(slope[:, output].sum(), outputs, retain_graph=True)
            curves.append(row[:, output])
        curvature = torch.stack(curves, dim=1).clamp(min=_FLATTEST)
        shape = np.shape(raw)
        return slope.detach().numpy().reshape(shape), curvature.numpy().reshape(shape)

    def _outputs(self, raw: "Scores") -> Tensor:
        return torch.from_numpy(np.asarray(raw, dtype=np.float64)).reshape(len(self._target), -1)

    def _rows(self, outputs: Tensor) -> Tensor:
        """[n], weighted loss of each row."""
        log_probs = self._link.log_probs(self._link(outputs))
        return self._weights * self._task.part_loss(log_probs, self._target)
