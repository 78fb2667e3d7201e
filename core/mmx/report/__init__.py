"""One HTML file from the plain results of a run."""

from mmx.report.cases import CaseReport, render_cases
from mmx.report.page import render_run
from mmx.report.run_report import Explanation, Mistake, RunReport

__all__ = ["CaseReport", "Explanation", "Mistake", "RunReport", "render_cases", "render_run"]
