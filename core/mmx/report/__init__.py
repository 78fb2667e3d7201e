"""One HTML file from the plain results of a run."""

from mmx.report.page import render_run
from mmx.report.run_report import Mistake, RunReport

__all__ = ["Mistake", "RunReport", "render_run"]
