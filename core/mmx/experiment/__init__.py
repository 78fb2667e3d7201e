"""One run from spec to report: the only place that knows the whole way."""

from mmx.experiment.answers import Answers
from mmx.experiment.auditing import Audited
from mmx.experiment.case_table import Case
from mmx.experiment.evaluating import Evaluated, evaluate_run
from mmx.experiment.narrated import Narrated, narratives
from mmx.experiment.predicting import ask, predict
from mmx.experiment.reproducing import Reproduced, reproduce
from mmx.experiment.running import run
from mmx.experiment.saved import Run
from mmx.experiment.spec_notes import spec_notes
from mmx.experiment.whole_audit import audit_spec

__all__ = [
    "Answers", "Audited", "Case", "Evaluated", "Narrated", "Reproduced", "Run", "ask", "audit_spec",
    "evaluate_run", "narratives", "predict", "reproduce", "run", "spec_notes",
]  # fmt: skip
