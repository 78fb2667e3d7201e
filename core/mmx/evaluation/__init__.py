"""Metrics, calibration, and intervals by a bootstrap over groups."""

from mmx.evaluation.confusion import quick_scores
from mmx.evaluation.evaluate import evaluate
from mmx.evaluation.results import ClassScores, Evaluation, Interval, ReliabilityBin, RocCurve

__all__ = [
    "ClassScores",
    "Evaluation",
    "Interval",
    "ReliabilityBin",
    "RocCurve",
    "evaluate",
    "quick_scores",
]
