"""What is done with a spec and with a run: the only place that knows the whole way."""

from mmx.experiment.answers import Answers
from mmx.experiment.auditing import AuditResult
from mmx.experiment.controls_table import CONTROL, ControlAnswers, control_rows, joined_rows
from mmx.experiment.evaluating import EvaluationResult, evaluate_run
from mmx.experiment.narrated_samples import NarratedSample, narratives
from mmx.experiment.noted_controls import control_notes
from mmx.experiment.predicting import ask, predict
from mmx.experiment.prediction_rows import parquet, prediction_table
from mmx.experiment.reproducing import Reproduction, reproduce
from mmx.experiment.saved import Run
from mmx.experiment.spec_notes import spec_notes
from mmx.experiment.whole_audit import audit_spec
from mmx.experiment.whole_run import run, run_into, runs_folder

__all__ = [
    "Answers", "AuditResult", "CONTROL", "ControlAnswers", "EvaluationResult", "NarratedSample",
    "Reproduction", "Run", "ask", "audit_spec", "control_notes", "control_rows", "evaluate_run",
    "joined_rows", "narratives", "parquet", "predict", "prediction_table", "reproduce", "run",
    "run_into", "runs_folder", "spec_notes",
]  # fmt: skip
