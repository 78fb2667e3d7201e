"""Metrics of methods that answer with classes or ordered levels, by name."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmx.errors import DataError
from mmx.evaluation.counted_rows import CountedRows, MacroF1, MeanShare, accuracy, count_answers
from mmx.evaluation.kappa_score import KappaScore
from mmx.evaluation.level_error_score import level_error
from mmx.interfaces import Score

COUNTED: Mapping[str, Callable[[CountedRows], Score]] = {
    "balanced_accuracy": MeanShare,
    "macro_f1": MacroF1,
    "accuracy": accuracy,
    "quadratic_kappa": KappaScore,
}
OF_LEVELS = {"macro_absolute_error": level_error}  # counted by more than right and wrong


def scores_of_classes(
    predicted: Mapping[str, NDArray[np.int64]],
    labels: NDArray[np.int64],
    groups: Sequence[str],
    classes: int,
    metrics: Sequence[str],
) -> dict[str, Score]:
    """Each metric of all methods.

    Args:
        predicted: by method, [S, n] classes in 0..C-1, one row per training seed.
        labels: [n], true classes in 0..C-1.
        groups: n names.
        classes: C.
        metrics: of balanced_accuracy, macro_f1, accuracy, and of ordered levels quadratic_kappa
            and macro_absolute_error.

    Raises:
        DataError: shapes that do not fit, classes outside 0..C-1, or an unknown metric.
    """
    unknown = [name for name in metrics if name not in (*COUNTED, *OF_LEVELS)]
    if unknown:
        known = ", ".join([*COUNTED, *OF_LEVELS])
        raise DataError(f"there is no metric {unknown[0]!r}; known are {known}")
    counted = count_answers(predicted, labels, groups, classes)
    return {
        metric: COUNTED[metric](counted)
        if metric in COUNTED
        else OF_LEVELS[metric](predicted, labels, groups, classes)
        for metric in metrics
    }
