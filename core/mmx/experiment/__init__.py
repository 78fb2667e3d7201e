"""What is done with a spec and with a run: the only place that knows the whole way."""

from mmx.experiment.answers import Answers
from mmx.experiment.auditing import Audited
from mmx.experiment.evaluating import Evaluated, evaluate_run
from mmx.experiment.narrated import Narrated, narratives
from mmx.experiment.outcome import parquet, prediction_table
from mmx.experiment.predicting import ask, predict
from mmx.experiment.reproducing import Reproduced, reproduce
from mmx.experiment.running import prepare_spec, run, run_into, runs_folder
from mmx.experiment.saved import Run
from mmx.experiment.spec_notes import spec_notes
from mmx.experiment.whole_audit import audit_spec

__all__ = [
    "Answers", "Audited", "Evaluated", "Narrated", "Reproduced", "Run", "ask", "audit_spec",
    "evaluate_run", "narratives", "parquet", "predict", "prediction_table", "prepare_spec",
    "reproduce", "run", "run_into", "runs_folder", "spec_notes",
]  # fmt: skip
