"""Results of each arm and each control of a study, as its report shows them."""

from dataclasses import replace
from pathlib import Path

from mmx.evaluation import Comparison
from mmx.experiment import Run
from mmx.report import ArmResult
from mmx.runs import read_sealed
from mmx.spec import ABSENT
from mmx.study import gather
from mmx.study.arms import Arm
from mmx.study.control_answers import baseline_meanings
from mmx.study.gather import Answers
from mmx.study.study_folder import StudyFolder, count_file
from mmx.study.study_results import StudyResults


def arm_results(of: StudyResults, compared: Comparison) -> list[ArmResult]:
    """One for each arm, the controls among them too, which have no figures here."""
    return [_counted(_arm_result(arm, compared, of), of.folder) for arm in of.arms.arms]


def control_results(of: StudyResults) -> list[ArmResult]:
    """One for each control that has answers."""
    against = of.against(of.controls.answers)
    compared, meanings = of.compare_controls(), baseline_meanings(of.controls)
    return [
        _with_results(
            ArmResult(
                name, "control", against=against.get(name, ""), meaning=meanings.get(name, "")
            ),
            answers,
            compared,
            of,
        )
        for name, answers in of.controls.answers.items()
    ]


def _arm_result(arm: Arm, compared: Comparison, of: StudyResults) -> ArmResult:
    told = ArmResult(
        arm.name,
        arm.role,
        planned=arm.name not in of.plan.get("later", {}),
        error=of.found.errors.get(arm.name, ""),
        against=arm.against,
        variables=arm.variables,
        changes=[(one.key, _told(one.left), _told(one.right)) for one in arm.differences],
        confounded=arm.confounded,
        reported=_claim(of.study.reported.get(arm.name)),
    )
    answers = of.found.answers.get(arm.name)
    if answers is None or arm.role == "control":
        return told
    return _with_results(told, answers, compared, of)


def _with_results(
    told: ArmResult, answers: Answers, compared: Comparison, of: StudyResults
) -> ArmResult:
    parameters, seconds = gather.costs(answers.runs)
    broken = of.part.task.breakdown(answers.given, of.own.truths)
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
        means={k: v for k, v in gather.mean_metrics(answers.runs).items() if k in of.beside},
        breakdown=dict(broken.values) if broken else {},
        convergence=of.part.rising.get(told.name),
        parameters=parameters,
        seconds=seconds,
        curve=gather.mean_curve(answers.runs, of.part.metric),
        reliability=of.part.task.reliability(answers.given, of.own.truths),
        runs=tuple(str(run.path) for run in answers.runs),
    )


def _told(value: object) -> str:
    return "–" if value is ABSENT else str(value)


def _counted(arm: ArmResult, folder: StudyFolder) -> ArmResult:
    """With the operations of its first run, where they were counted."""
    file = count_file(folder, Run(Path(arm.runs[0]))) if arm.runs else None
    if file is None or not file.is_file():
        return arm
    return replace(arm, operations=int(read_sealed(file)["operations"]))


def _claim(value: float | str | None) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:.2f}"
