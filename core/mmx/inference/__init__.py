"""The one way from a trained model to predictions, and to what explains them."""

from mmx.inference.attempts import Attempts
from mmx.inference.case_columns import grouped, require, with_joined
from mmx.inference.case_table import (
    Asked,
    Case,
    CaseTable,
    by_role,
    case_table,
    filled,
    named,
    renamed,
)
from mmx.inference.encoded_samples import EncodedSamples, see
from mmx.inference.explaining import Explainer
from mmx.inference.gates import in_words, mean_by_class
from mmx.inference.missing import Missing, predict_missing
from mmx.inference.model_record import Decisions, keep_hooks, keep_model, tensors_of
from mmx.inference.needs import Needs, needs_of
from mmx.inference.placeholders import Placeholders, untrained_modalities
from mmx.inference.prediction import Chain, PartPrediction
from mmx.inference.prediction_columns import prediction_columns
from mmx.inference.shapley import Shares
from mmx.inference.trained_run import TrainedRun, load_trained

__all__ = [
    "Asked", "Attempts", "Case", "CaseTable", "Chain", "Decisions", "EncodedSamples", "Explainer",
    "Missing", "Needs", "PartPrediction", "Placeholders", "Shares", "TrainedRun", "by_role",
    "case_table", "filled", "grouped", "in_words", "keep_hooks", "keep_model", "load_trained",
    "mean_by_class", "named", "needs_of", "predict_missing", "prediction_columns", "renamed",
    "require", "see", "tensors_of", "untrained_modalities", "with_joined",
]  # fmt: skip
