"""Predictions as columns, the same in a run, an evaluation and an answer to new cases."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mmx.inference.prediction import PartPrediction
from mmx.interfaces import Task


def prediction_columns(
    task: Task, found: PartPrediction, target: Tensor | None = None
) -> dict[str, NDArray[np.generic]]:
    """Truth where it is given, answer, p_NAME of each name of the task, and columns of hooks.

    Args:
        task: of the run, with what it decided on validation.
        found: n predictions.
        target: [n, ...], of the same rows; None for new cases.
    """
    truth = {} if target is None else task.truths(target)
    values = task.values(found.log_probs.double()).numpy()
    shown = {f"p_{name}": values[:, index] for index, name in enumerate(task.names)}
    return {**truth, **task.answers(found.log_probs), **shown, **found.columns(task.names)}
