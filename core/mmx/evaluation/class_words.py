"""Words on the metrics that ``evaluate`` gives of classes."""

from collections.abc import Mapping

from mmx.evaluation.compared_classes import COMPARED_CLASSES
from mmx.interfaces import MetricWords

CLASS_WORDS: Mapping[str, MetricWords] = {
    **COMPARED_CLASSES,
    "macro_auroc": MetricWords("Macro AUROC", "one against the rest, mean over the classes"),
    "confidence_gap": MetricWords(
        "Confidence gap", "mean confidence minus accuracy; above 0 too sure of itself", share=False
    ),
    "ece": MetricWords(
        "ECE",
        "gap between confidence and accuracy, 15 bins of equal mass; biased upwards, no interval",
        lower=True,
        share=False,
    ),
    "classwise_ece": MetricWords(
        "Class-wise ECE", "the same gap per class, mean over the classes", lower=True, share=False
    ),
    "brier": MetricWords(
        "Brier score", "squared error of the probabilities, 0 to 2", lower=True, share=False
    ),
    "nll": MetricWords("NLL", "negative log likelihood, nats", lower=True, share=False, loss=True),
}
"""For the ``described`` of a task whose scores are those of ``evaluate``."""
