"""Metrics, calibration, intervals that allow for groups, and paired comparisons."""

from mmx.evaluation.comparison import Comparison, Contrast, compare
from mmx.evaluation.confusion import quick_scores
from mmx.evaluation.evaluate import evaluate
from mmx.evaluation.promises import (
    bound_of_share,
    share_of_groups,
    share_of_rows,
    shares_of_classes,
)
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
    "bound_of_share",
    "compare",
    "evaluate",
    "quick_scores",
    "share_of_groups",
    "share_of_rows",
    "shares_of_classes",
]
