"""Metrics, calibration, intervals that allow for groups, and paired comparisons."""

from mmx.evaluation.arm_names import LOSS_RATES, arm_name, in_a_row, loss_name, shuffled_name
from mmx.evaluation.auroc import newcombe
from mmx.evaluation.bounds import mean_share
from mmx.evaluation.calibration import BINS, equal_mass_bins
from mmx.evaluation.class_scores import scores_of_classes
from mmx.evaluation.class_words import CLASS_WORDS
from mmx.evaluation.compared_classes import COMPARED_CLASSES, ComparedClasses
from mmx.evaluation.comparison import Comparison, Contrast, compare, compare_scores
from mmx.evaluation.confusion import quick_scores
from mmx.evaluation.convergence import Convergence, convergence
from mmx.evaluation.counted_rows import METRICS
from mmx.evaluation.counts import group_counts
from mmx.evaluation.effective import clustered_shares
from mmx.evaluation.evaluate import evaluate
from mmx.evaluation.jackknife import interval_of_influence, leave_group_out, mean_of_losses
from mmx.evaluation.label_comparison import (
    LABEL_METRICS,
    compare_labels,
    label_areas,
    scores_of_labels,
)
from mmx.evaluation.label_results import LabelEvaluation, LabelScores, OperatingPoint
from mmx.evaluation.label_scores import evaluate_labels, quick_labels
from mmx.evaluation.levels import decide_level, evaluate_levels, quick_levels
from mmx.evaluation.linear_score import Linear, LinearScore
from mmx.evaluation.loss_score import loss_score
from mmx.evaluation.probes import label_probe
from mmx.evaluation.promises import (
    bound_of_share,
    share_of_groups,
    share_of_rows,
    shares_of_classes,
)
from mmx.evaluation.pvalues import holm
from mmx.evaluation.results import ClassScores, Evaluation, Interval, ReliabilityBin, RocCurve
from mmx.evaluation.scores import EvaluationScores
from mmx.evaluation.shown import class_sections
from mmx.evaluation.thresholds import RULES, choose_thresholds
from mmx.interfaces import McNemar

__all__ = [
    "scores_of_classes",
    "label_probe",
    "loss_score",
    "LinearScore",
    "Linear",
    "label_areas",
    "scores_of_labels",
    "leave_group_out",
    "interval_of_influence",
    "compare_scores",
    "ComparedClasses",
    "COMPARED_CLASSES",
    "CLASS_WORDS",
    "LOSS_RATES",
    "arm_name",
    "in_a_row",
    "loss_name",
    "shuffled_name",
    "BINS",
    "ClassScores",
    "Comparison",
    "Contrast",
    "Convergence",
    "Evaluation",
    "EvaluationScores",
    "Interval",
    "LABEL_METRICS",
    "LabelEvaluation",
    "LabelScores",
    "METRICS",
    "McNemar",
    "OperatingPoint",
    "RULES",
    "ReliabilityBin",
    "RocCurve",
    "bound_of_share",
    "choose_thresholds",
    "class_sections",
    "clustered_shares",
    "compare",
    "compare_labels",
    "convergence",
    "decide_level",
    "equal_mass_bins",
    "evaluate",
    "evaluate_labels",
    "evaluate_levels",
    "group_counts",
    "holm",
    "mean_of_losses",
    "mean_share",
    "newcombe",
    "quick_labels",
    "quick_levels",
    "quick_scores",
    "share_of_groups",
    "share_of_rows",
    "shares_of_classes",
]
