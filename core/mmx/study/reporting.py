"""The report of a study, from what its runs left behind."""

import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from mmx.errors import RunError
from mmx.evaluation import shuffled_name
from mmx.experiment import Run
from mmx.report import (
    StudyReport,
    headline,
    render_study,
    study_csv,
    study_latex,
    study_markdown,
)
from mmx.runs import RunFolder, write_sealed, write_text
from mmx.study.arm_results import arm_results, control_results
from mmx.study.arms import resolve_arms
from mmx.study.cautions import cautions
from mmx.study.comparing import reached
from mmx.study.result import Study
from mmx.study.screening import SCREENED
from mmx.study.spec import StudySpec, load_study
from mmx.study.study_folder import COPY, StudyFolder, find_study
from mmx.study.study_results import StudyResults


def report_study(study: str | Path, *, plugins: Sequence[str | Path] = ()) -> Study:
    """Write report.html, report.md, results.csv, results.json and table.tex of a study.

    Args:
        study: its YAML file, its folder, or its name.
        plugins: local files with methods.

    Raises:
        MmxError: there is no such study, or its base has no finished run.
    """
    folder, spec = _opened(study)
    report = study_report(StudyResults.of(folder, spec, resolve_arms(spec, plugins)))
    write_text(folder.path / "report.html", render_study(report))
    write_text(folder.path / "report.md", study_markdown(report))
    write_text(folder.path / "results.csv", study_csv(report))
    write_text(folder.path / "table.tex", study_latex(report))
    write_sealed(folder.path / "results.json", {**report.to_json(), "headline": headline(report)})
    failed = {arm.name: arm.error for arm in report.failed}
    stopped = tuple(name for name, why in failed.items() if why.startswith(SCREENED))
    return Study(folder.path, failed, stopped)


def _opened(named: str | Path) -> tuple[StudyFolder, StudySpec]:
    """The folder of a study, and the study as it was last run or as its file says now."""
    path, folder = Path(named), find_study(named)
    if path.is_file():
        return folder, load_study(path)
    plan = folder.plan or {}
    file = Path(plan.get("file", ""))
    if not file.is_file():
        raise RunError(
            f"the study file {file} is not there any more; put {folder.path / COPY} there, or run "
            "`mmx study report FILE`"
        )
    return folder, load_study(file)


def study_report(of: StudyResults) -> StudyReport:
    """All results of a study as plain data; its comparisons are noted in the log."""
    study, plan = of.study, of.plan
    compared = of.compare()
    results = arm_results(of, compared)
    warnings = [of.no_verdicts] if of.no_verdicts else []
    return StudyReport(
        name=study.study,
        metric=of.arms.metric,
        words=of.part.metrics,
        means=of.beside,
        breakdown=of.part.task.breakdown(of.own.given, of.own.truths),
        base=of.part.base,
        arms=[one for one in results if one.role != "control"],
        controls=[
            *control_results(of),
            *(one for one in results if one.role == "control" and one.error),
        ],
        absent=of.controls.errors,
        seeds=study.seeds,
        folds=study.folds,
        samples=len(of.own.labels),
        modalities=tuple(of.arms.base.model.encoders),
        groups=len(set(of.own.groups)),
        group=str(plan.get("data", {}).get("group", "group")),
        flips=compared.flips,
        floor=compared.floor,
        comparisons=sum(line.metric == of.arms.metric for line in of.comparison_log.lines()),
        comparison_log=str(of.comparison_log.path),
        no_verdicts=of.no_verdicts,
        reached=reached(of.part, _meant(of), of.trained, of.arms.metric),
        plan=plan,
        text=study.text,
        note=study.note,
        control_notes=of.controls.notes,
        warnings=[*warnings, *cautions(results, of.found.answers, of.folder.path)],
        machine=_machine(of.own.runs),
        created=time.strftime("%Y-%m-%d %H:%M"),
        version=version("mmx"),
    )


def _meant(of: StudyResults) -> dict[str, str]:
    """Control -> the arm that it is to be held against; empty where that is any."""
    names, against = of.controls.answers, of.against(of.controls.answers)
    meant = {name: against.get(name, "") for name in names}
    shuffled = map(shuffled_name, of.arms.base.model.used)
    return meant | {name: of.part.base for name in shuffled if name in meant}


def _machine(runs: Sequence[Run]) -> dict[str, str]:
    """Where the base ran."""
    made = RunFolder(runs[0].path).read_json("environment.json")
    libraries = made.get("libraries", {})
    return {
        "processor": str(made.get("processor", "")),
        "device": str(made.get("device", "")),
        "precision": str(runs[0].metrics["precision"]),
        "threads of a run": str(made.get("threads", "")),
        "python": str(made.get("python", "")),
        "mmx": str(libraries.get("mmx", "")),
        "torch": str(libraries.get("torch", "")),
    }
