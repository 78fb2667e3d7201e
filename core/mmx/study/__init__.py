"""Plan a single-variable study, execute it, and compare with statistics."""

from mmx.study.executor import Executor
from mmx.study.listing import StudyListing, list_studies
from mmx.study.reporting import report_study
from mmx.study.result import Study
from mmx.study.running import run_study
from mmx.study.spec import StudySpec, load_study

__all__ = [
    "Executor", "StudyListing", "Study", "StudySpec", "list_studies", "load_study", "report_study",
    "run_study",
]  # fmt: skip
