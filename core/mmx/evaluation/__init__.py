"""Metrics, calibration, intervals that allow for groups, and paired comparisons."""

from mmx.evaluation.auroc import newcombe
from mmx.evaluation.bounds import mean_share
from mmx.evaluation.calibration import BINS, equal_mass_bins
from mmx.evaluation.comparison import Comparison, Contrast, compare
from mmx.evaluation.confusion import quick_scores
from mmx.evaluation.convergence import Convergence, convergence
from mmx.evaluation.counted import METRICS
from mmx.evaluation.counts import group_counts
from mmx.evaluation.effective import clustered_shares
from mmx.evaluation.evaluate import evaluate
from mmx.evaluation.promises import (
    bound_of_share,
    share_of_groups,
    share_of_rows,
    shares_of_classes,
)
from mmx.evaluation.pvalues import McNemar, holm
from mmx.evaluation.results import ClassScores, Evaluation, Interval, ReliabilityBin, RocCurve

__all__ = [
    "BINS", "ClassScores", "Comparison", "Contrast", "Convergence", "Evaluation", "Interval",
    "METRICS", "McNemar", "ReliabilityBin", "RocCurve", "bound_of_share", "clustered_shares",
    "compare", "convergence", "equal_mass_bins", "evaluate", "group_counts", "holm", "mean_share",
    "newcombe", "quick_scores", "share_of_groups", "share_of_rows", "shares_of_classes",
]  # fmt: skip
