"""One run from spec to report: the only place that knows the whole way."""

from mmx.experiment.auditing import Audited
from mmx.experiment.evaluating import Evaluated, evaluate_run
from mmx.experiment.narrated import Narrated, narratives
from mmx.experiment.predicting import (
    Answer,
    Case,
    predict,
    read_cases,
    write_answers,
    write_explanations,
)
from mmx.experiment.reproducing import Reproduced, reproduce
from mmx.experiment.running import run
from mmx.experiment.saved import Run
from mmx.experiment.whole_audit import audit_spec

__all__ = [
    "Answer", "Audited", "Case", "Evaluated", "Narrated", "Reproduced", "Run", "audit_spec",
    "evaluate_run", "narratives", "predict", "read_cases", "reproduce", "run", "write_answers",
    "write_explanations",
]  # fmt: skip
