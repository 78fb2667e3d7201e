"""Tasks of classes whose methods are compared by counts of their answers."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmx.evaluation.calibration import BINS, equal_mass_bins
from mmx.evaluation.class_scores import scores_of_classes
from mmx.evaluation.probes import class_probe
from mmx.interfaces import (
    Breakdown,
    ConstantAnswer,
    FeatureRows,
    MethodAnswers,
    MetricWords,
    OneClassTask,
    Score,
)

COMPARED_CLASSES: Mapping[str, MetricWords] = {
    "balanced_accuracy": MetricWords(
        "Balanced accuracy", "mean sensitivity over the classes", form=".1%"
    ),
    "macro_f1": MetricWords("Macro F1", "mean F1 over the classes", form=".1%"),
    "accuracy": MetricWords("Accuracy", "share of samples that is right", form=".1%"),
}
"""Metrics by which methods that answer with one class are compared."""
Truths = Mapping[str, NDArray[np.generic]]


class ComparedClasses(OneClassTask):
    """One class a row, and all that a study asks of it."""

    def compared(
        self, answers: Mapping[str, MethodAnswers], truths: Truths, groups: Sequence[str],
        metrics: Sequence[str],
    ) -> Mapping[str, Score]:  # fmt: skip
        """By the class that each method answers."""
        predicted = {name: self._coded(one.columns["predicted"]) for name, one in answers.items()}
        labels = self._coded(truths["label"])
        return scores_of_classes(predicted, labels, groups, len(self.names), metrics)

    def breakdown(self, answers: MethodAnswers, truths: Truths) -> Breakdown | None:
        """Sensitivity of each class that has rows."""
        labels = truths["label"]
        right = (answers.columns["predicted"] == labels).mean(axis=0)
        members = {name: labels == name for name in self.names}
        found = {name: float(right[rows].mean()) for name, rows in members.items() if rows.any()}
        return Breakdown("Classes", "Sensitivity", "class", found, ".0%")

    def reliability(self, answers: MethodAnswers, truths: Truths) -> Sequence[tuple[float, float]]:
        """Confidence and share that is right in bins of equal mass over all seeds."""
        right = (answers.columns["predicted"] == truths["label"]).ravel().astype(float)
        confidence = answers.values.max(axis=2).ravel()
        bins = equal_mass_bins(confidence)
        count = np.bincount(bins, minlength=BINS)
        sums = [np.bincount(bins, values, minlength=BINS) for values in (confidence, right)]
        return [
            (float(sums[0][index] / count[index]), float(sums[1][index] / count[index]))
            for index in np.flatnonzero(count)
        ]

    def constants(self, target: Tensor) -> Sequence[ConstantAnswer]:
        """The most common class."""
        counts = self.counts(target)
        chosen = torch.zeros(len(self.names), dtype=torch.float64)
        chosen[counts.argmax()] = 1
        words = "the most common class alone"
        return (ConstantAnswer("majority class", words, chosen.log()),)

    def probe(
        self,
        train: FeatureRows,
        target: Tensor,
        test: FeatureRows,
        prior: Tensor | None,
        strength: float,
    ) -> Tensor | None:
        """Logistic regression for the class shares that are asked for, else as they are."""
        shares = self.counts(target).double() if prior is None else prior.double()
        shares = shares / shares.sum()
        labels = target.numpy().astype(np.int64)
        found = class_probe(train, labels, test, shares.numpy(), strength)
        return torch.from_numpy(found).log()

    def _coded(self, named: NDArray[np.generic]) -> NDArray[np.int64]:
        """Places of names, in the same shape."""
        indices = {name: index for index, name in enumerate(self.names)}
        flat = np.array([indices[str(name)] for name in named.ravel()], dtype=np.int64)
        return flat.reshape(named.shape)
