"""One HTML file from the plain results of a run, and of a study."""

from mmx.report.audit_page import AuditPage, ShownSample, render_audit
from mmx.report.cases import CaseReport, render_cases
from mmx.report.metric_units import directed, gap, gap_range, scored, size, unit
from mmx.report.page import render_run
from mmx.report.run_report import ExplainedImage, Explanation, Mistake, RunReport, WithoutColumn
from mmx.report.study_page import render_study
from mmx.report.study_report import ArmResult, ControlComparison, StudyReport
from mmx.report.study_text import study_csv, study_latex, study_markdown
from mmx.report.study_words import headline

__all__ = [
    "ArmResult", "AuditPage", "CaseReport", "ControlComparison", "ExplainedImage", "Explanation",
    "Mistake", "RunReport", "ShownSample", "StudyReport", "WithoutColumn", "directed", "gap",
    "gap_range", "headline", "render_audit", "render_cases", "render_run", "render_study", "scored",
    "size", "study_csv", "study_latex", "study_markdown", "unit",
]  # fmt: skip
