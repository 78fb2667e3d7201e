"""The report of a study, from what its runs left behind."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from mmx.errors import RunError
from mmx.evaluation import Comparison, shuffled_name
from mmx.experiment import Run
from mmx.report import (
    ArmResult,
    StudyReport,
    headline,
    render_study,
    study_csv,
    study_latex,
    study_markdown,
)
from mmx.runs import RunFolder, read_beside, read_sealed, write_sealed, write_text
from mmx.spec import ABSENT, Spec, corrections, load_spec
from mmx.study import gather
from mmx.study.arms import Arm, Arms, resolve_arms
from mmx.study.baselines import MAJORITY, PROBES
from mmx.study.cautions import cautions
from mmx.study.comparing import TestPart, chosen_on_test, curves, in_family, reached, shown
from mmx.study.comparison_log import ComparisonLog
from mmx.study.folder import COPY, StudyFolder, control_file, count_file, find_study
from mmx.study.gather import Answers, StudyAnswers
from mmx.study.label_baselines import CONTROL, METADATA, PREVALENCE
from mmx.study.running import Study, latest
from mmx.study.screening import SCREENED
from mmx.study.spec import StudySpec, load_study


def report_study(study: str | Path, *, plugins: Sequence[str | Path] = ()) -> Study:
    """Write report.html, report.md, results.csv, results.json and table.tex of a study.

    Args:
        study: its YAML file, its folder, or its name.
        plugins: local files with methods.

    Raises:
        MmxError: there is no such study, or its base has no finished run.
    """
    folder, spec = _opened(study)
    arms = resolve_arms(spec, plugins)
    report = gather_study(folder, spec, arms)
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


def gather_study(folder: StudyFolder, study: StudySpec, arms: Arms) -> StudyReport:
    """All results of a study as plain data; its comparisons are noted in the log.

    Raises:
        RunError: the base has no finished run, so there is nothing to compare with.
    """
    entries = latest(folder, study, arms)
    base = arms.arms[0].name
    found = gather.all_answers(study, arms, entries)
    if base not in found.answers:
        reason = found.errors.get(base, "it has not been run")
        raise RunError(f"the base arm {base} has no result: {reason}")
    own = found.answers[base]
    classes = _classes(own)
    trained = [arm.name for arm in arms.arms if arm.role != "control" and arm.name in found.answers]
    controls = _control_answers(folder, study, arms, own, found)
    rising = curves(arms.arms, found.answers, arms.metric)
    part = TestPart(base, classes, {**found.answers, **controls.answers}, rising, arms.metric)
    against = {arm.name: arm.against for arm in arms.arms if arm.against}
    plan, comparison_log = (
        folder.plan or {},
        ComparisonLog.of(own.samples.tolist(), own.labels.tolist()),
    )
    earlier = comparison_log.lines()
    why = chosen_on_test(earlier, arms, plan)
    compared = part.compared(
        [name for name in trained if name != base], _only(against, trained),
        family=len(earlier) + len(trained), metrics=shown(arms.metric),
    )  # fmt: skip
    compared = in_family(part, compared, comparison_log, arms, study, told=not why)
    beside = part.within(
        part.compared(
            controls.answers, _only(against, controls.answers), metrics=shown(arms.metric)
        )
    )
    results = [
        _counted(_arm_result(arm, found, compared, study, plan, part), folder) for arm in arms.arms
    ]
    meant = {name: against.get(name, "") for name in controls.answers}
    shuffles = map(shuffled_name, arms.base.model.used)
    meant |= {name: base for name in shuffles if name in meant}
    return StudyReport(
        name=study.study,
        metric=arms.metric,
        base=base,
        arms=[one for one in results if one.role != "control"],
        controls=[
            *_controls(controls.answers, beside, part, against),
            *(one for one in results if one.role == "control" and one.error),
        ],
        absent=controls.errors,
        seeds=study.seeds,
        folds=study.folds,
        samples=len(own.labels),
        modalities=tuple(arms.base.model.encoders),
        groups=len(set(own.groups)),
        group=str(plan.get("data", {}).get("group", "group")),
        flips=compared.flips,
        floor=compared.floor,
        comparisons=_in_log(comparison_log, arms.metric),
        comparison_log=str(comparison_log.path),
        no_verdicts=why,
        reached=reached(part, meant, trained, arms.metric),
        plan=plan,
        text=study.text,
        note=study.note,
        warnings=[*([why] if why else []), *cautions(results, found.answers, folder.path)],
        machine=_machine(own.runs),
        created=time.strftime("%Y-%m-%d %H:%M"),
        version=version("mmx"),
    )


def _only(against: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: against[name] for name in names if name in against}


def _in_log(comparison_log: ComparisonLog, metric: str) -> int:
    return sum(line.metric == metric for line in comparison_log.lines())


def _classes(base: Answers) -> list[str]:
    """Class names in the order of the task."""
    test = base.runs[0].metrics["test"]
    return list(test["labels"] if base.labelled is not None else test["classes"])


def _control_answers(
    folder: StudyFolder, study: StudySpec, arms: Arms, base: Answers, found: StudyAnswers
) -> StudyAnswers:
    """Answers of all controls that are there, those without training first; or why not."""
    if not study.controls:
        return StudyAnswers({}, {})
    controls: dict[str, Answers] = {}
    first = [run for run, seed in zip(base.runs, _repeated(base, study.folds), strict=True)
             if seed == study.seeds[0]]  # fmt: skip
    files = [control_file(folder, "baselines", run) for run in first]
    errors: dict[str, str] = {}
    if files and all(file.is_file() for file in files):
        tables = [_control(file) for file in files]
        for file in files:
            errors |= read_sealed(file.with_suffix(".json"))
        several = base.labelled is not None
        for name in (PREVALENCE, METADATA) if several else (MAJORITY, *_probes(arms)):
            own = [_answers_of(name, table) for table in tables]
            if all(one is not None for one in own):
                controls[name] = _fixed([one for one in own if one is not None])
            elif METADATA not in errors:
                errors[name] = f"{files[0].name} was made by another version; delete it"
    for arm in arms.arms:
        if arm.role == "control" and arm.name in found.answers:
            controls[arm.name] = found.answers[arm.name]
    for modality in arms.base.model.used:
        name = shuffled_name(modality)
        files = [control_file(folder, f"{modality}-shuffled", run) for run in base.runs]
        if all(file.is_file() for file in files):
            controls[name] = _by_seed(files, base, study.folds)
        else:
            errors[name] = "it has not been made"
    other = [name for name, one in controls.items() if not one.same_rows(base)]
    errors |= dict.fromkeys(other, "it was made on other test rows than the base has")
    return StudyAnswers({name: one for name, one in controls.items() if name not in other}, errors)


def _answers_of(name: str, table: pd.DataFrame) -> pd.DataFrame | None:
    """The rows of a baseline, of labels or of classes; None where the table has none."""
    if CONTROL in table:
        own = table[table[CONTROL] == name]
        return own if len(own) else None
    return table.assign(predicted=table[name]) if name in table else None


def _probes(arms: Arms) -> list[str]:
    """Controls that read the record: as the base is trained, and as arms are that differ in it."""
    base, names = _balanced(arms.base), [METADATA]
    for arm in arms.arms:
        if arm.role == "arm" and not arm.fault:
            spec = load_spec(arm.file, overrides=arm.overrides, plugins=arms.plugins)
            names += [PROBES[_balanced(spec)]] if _balanced(spec) != base else []
    return list(dict.fromkeys(names))


def _balanced(spec: Spec) -> bool:
    """Whether training corrects for the class frequencies, by sampler, weights or loss."""
    return bool(corrections(spec.train.sampler, spec.train.class_weights, spec.loss))


def _control(file: Path) -> pd.DataFrame:
    return pd.read_parquet(BytesIO(read_beside(file)))


def _repeated(base: Answers, folds: int) -> list[int]:
    return [seed for seed in base.seeds for _ in range(folds)]


def _fixed(tables: Sequence[pd.DataFrame]) -> Answers:
    return gather.stacked([gather.test_rows(tables)], (0,), ())


def _by_seed(files: Sequence[Path], base: Answers, folds: int) -> Answers:
    tables = [
        gather.test_rows([_control(file) for file in files[start : start + folds]])
        for start in range(0, len(files), folds)
    ]
    return gather.stacked(tables, base.seeds, ())


def _arm_result(
    arm: Arm, found: StudyAnswers, compared: Comparison, study: StudySpec, plan: Mapping[str, Any],
    part: TestPart,
) -> ArmResult:  # fmt: skip
    told = ArmResult(
        arm.name,
        arm.role,
        planned=arm.name not in plan.get("later", {}),
        error=found.errors.get(arm.name, ""),
        against=arm.against,
        variables=arm.variables,
        changes=[(one.key, _told(one.left), _told(one.right)) for one in arm.differences],
        confounded=arm.confounded,
        reported=_claim(study.reported.get(arm.name)),
    )
    answers = found.answers.get(arm.name)
    if answers is None or arm.role == "control":
        return told
    return _with_results(told, answers, compared, part)


def _with_results(
    told: ArmResult, answers: Answers, compared: Comparison, part: TestPart
) -> ArmResult:
    parameters, seconds = gather.costs(answers.runs)
    return replace(
        told,
        seeds=answers.seeds,
        leaky=any(run.metrics.get("leaky") for run in answers.runs),
        scores={metric: scores[told.name] for metric, scores in compared.scores.items()},
        by_seed={metric: values[told.name] for metric, values in compared.by_seed.items()},
        contrasts={
            metric: one
            for metric, contrasts in compared.contrasts.items()
            for one in contrasts
            if one.method == told.name
        },
        means=gather.mean_metrics(answers.runs),
        sensitivity=gather.sensitivities(answers, part.classes),
        convergence=part.rising.get(told.name),
        parameters=parameters,
        seconds=seconds,
        curve=gather.mean_curve(answers.runs, part.metric),
        reliability=gather.reliability(answers),
        runs=tuple(str(run.path) for run in answers.runs),
    )


def _controls(
    controls: Mapping[str, Answers], beside: Comparison, part: TestPart, against: Mapping[str, str]
) -> list[ArmResult]:
    return [
        _with_results(
            ArmResult(name, "control", against=against.get(name, "")), answers, beside, part
        )
        for name, answers in controls.items()
    ]


def _told(value: Any) -> str:
    return "–" if value is ABSENT else str(value)


def _counted(arm: ArmResult, folder: StudyFolder) -> ArmResult:
    """With the operations of its first run, where they were counted."""
    file = count_file(folder, Run(Path(arm.runs[0]))) if arm.runs else None
    if file is None or not file.is_file():
        return arm
    return replace(arm, operations=int(read_sealed(file)["operations"]))


def _claim(value: float | str | None) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:.2f}"


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
