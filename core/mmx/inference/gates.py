"""What gates say over a part: the mean of each number that a model explains a sample by."""

from collections.abc import Mapping

import torch

from mmx.inference.prediction import PartPrediction
from mmx.interfaces import Task


def mean_by_class(found: PartPrediction, task: Task) -> dict[str, dict[str, float]]:
    """Name -> true class -> mean of that number over the rows of the class.

    Only what is one number per sample, such as a gate; ``all`` is the mean over all rows.
    """
    means: dict[str, dict[str, float]] = {}
    for name, values in found.explain.items():
        if values.ndim != 1 or not len(values):
            continue
        means[name] = {"all": float(values.float().mean())}
        for strata in task.strata(found.target.numpy()):
            for index, label in enumerate(strata.named):
                rows = torch.from_numpy(strata.labels == index)
                if rows.any():
                    means[name][label] = float(values[rows].float().mean())
    return means


def in_words(means: Mapping[str, Mapping[str, float]]) -> list[str]:
    """One sentence for each number."""
    return [
        f"Mean {name} on the test part: {of['all']:.2f}; by class: "
        + ", ".join(f"{label} {value:.2f}" for label, value in of.items() if label != "all")
        + "."
        for name, of in means.items()
    ]
