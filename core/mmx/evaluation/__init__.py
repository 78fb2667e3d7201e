"""Metrics, calibration, intervals by a bootstrap over groups, and paired comparisons."""

from mmx.evaluation.comparison import Comparison, Contrast, compare
from mmx.evaluation.confusion import quick_scores
from mmx.evaluation.evaluate import evaluate
from mmx.evaluation.pvalues import McNemar
from mmx.evaluation.results import ClassScores, Evaluation, Interval, ReliabilityBin, RocCurve

__all__ = [
    "ClassScores",
    "Comparison",
    "Contrast",
    "Evaluation",
    "Interval",
    "McNemar",
    "ReliabilityBin",
    "RocCurve",
    "compare",
    "evaluate",
    "quick_scores",
]
