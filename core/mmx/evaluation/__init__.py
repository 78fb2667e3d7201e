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
from mmx.evaluation.joint_of_modalities import JointSignal, joint_signal
from mmx.evaluation.label_comparison import (
    LABEL_METRICS,
    compare_labels,
    label_areas,
    scores_of_labels,
)
from mmx.evaluation.label_gains import label_gains
from mmx.evaluation.label_results import LabelEvaluation, LabelScores, OperatingPoint
from mmx.evaluation.label_scores import evaluate_labels, quick_labels
from mmx.evaluation.levels import decide_level, evaluate_levels, quick_levels
from mmx.evaluation.linear_fit import PROBE_STRENGTHS, LinearMap, fit_linear_map
from mmx.evaluation.linear_score import Linear, LinearScore
from mmx.evaluation.logistic import LogisticFit, logistic_probabilities
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
    "BINS",
    "CLASS_WORDS",
    "COMPARED_CLASSES",
    "ClassScores",
    "ComparedClasses",
    "Comparison",
    "Contrast",
    "Convergence",
    "Evaluation",
    "EvaluationScores",
    "Interval",
    "JointSignal",
    "LABEL_METRICS",
    "LOSS_RATES",
    "LabelEvaluation",
    "LabelScores",
    "Linear",
    "LinearMap",
    "LinearScore",
    "LogisticFit",
    "METRICS",
    "McNemar",
    "OperatingPoint",
    "PROBE_STRENGTHS",
    "RULES",
    "ReliabilityBin",
    "RocCurve",
    "arm_name",
    "bound_of_share",
    "choose_thresholds",
    "class_sections",
    "clustered_shares",
    "compare",
    "compare_labels",
    "compare_scores",
    "convergence",
    "decide_level",
    "equal_mass_bins",
    "evaluate",
    "evaluate_labels",
    "evaluate_levels",
    "fit_linear_map",
    "group_counts",
    "holm",
    "in_a_row",
    "interval_of_influence",
    "joint_signal",
    "label_areas",
    "label_gains",
    "label_probe",
    "leave_group_out",
    "logistic_probabilities",
    "loss_name",
    "loss_score",
    "mean_of_losses",
    "mean_share",
    "newcombe",
    "quick_labels",
    "quick_levels",
    "quick_scores",
    "scores_of_classes",
    "scores_of_labels",
    "share_of_groups",
    "share_of_rows",
    "shares_of_classes",
    "shuffled_name",
]
