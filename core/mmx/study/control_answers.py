"""Answers of the controls of a study: without training, of a record, or with inputs shuffled."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mmx.evaluation import shuffled_name
from mmx.runs import parquet_table, read_beside, read_sealed
from mmx.spec import Spec, corrections, load_spec
from mmx.study import gather
from mmx.study.arms import Arms
from mmx.study.baselines import CONTROL, METADATA, PROBES
from mmx.study.gather import Answers, StudyAnswers
from mmx.study.spec import StudySpec
from mmx.study.study_folder import StudyFolder, control_file


def control_answers(
    folder: StudyFolder, study: StudySpec, arms: Arms, base: Answers, found: StudyAnswers
) -> StudyAnswers:
    """Answers of all controls that are there, those without training first; or why not."""
    if not study.controls:
        return StudyAnswers({}, {})
    plain = _baselines(folder, study, arms, base)
    shuffled = _shuffled(folder, study, arms, base)
    trained = {
        arm.name: found.answers[arm.name]
        for arm in arms.arms
        if arm.role == "control" and arm.name in found.answers
    }
    controls = {**plain.answers, **trained, **shuffled.answers}
    other = [name for name, one in controls.items() if not one.same_rows(base)]
    errors = {**plain.errors, **shuffled.errors}
    errors |= dict.fromkeys(other, "it was made on other test rows than the base has")
    kept = {name: one for name, one in controls.items() if name not in other}
    return StudyAnswers(kept, errors, plain.meanings)


def _baselines(folder: StudyFolder, study: StudySpec, arms: Arms, base: Answers) -> StudyAnswers:
    """Controls that need no training, of the first seed."""
    seeds = _repeated(base, study.folds)
    first = [run for run, seed in zip(base.runs, seeds, strict=True) if seed == study.seeds[0]]
    files = [control_file(folder, "baselines", run) for run in first]
    if not files or not all(file.is_file() for file in files):
        return StudyAnswers({}, {})
    tables = [_control(file) for file in files]
    if not all(CONTROL in table for table in tables):
        old = f"{files[0].name} was made by another version; delete it"
        return StudyAnswers({}, {METADATA: old})
    beside = [read_sealed(file.with_suffix(".json")) for file in files]
    found = StudyAnswers({}, {}, {})
    for one in beside:
        found.errors.update(one["missing"])
        found.meanings.update(one["meanings"])
    others = {*PROBES.values()} - {*_probes(arms)}
    for name in dict.fromkeys(name for table in tables for name in table[CONTROL]):
        own = [table[table[CONTROL] == name] for table in tables]
        if name not in others and all(len(one) for one in own):
            found.answers[name] = _fixed(own)
    return found


def baseline_meanings(controls: StudyAnswers) -> dict[str, str]:
    """What is left to each control without training, for sentences."""
    return {METADATA: "a probe on the record alone", **controls.meanings}


def _shuffled(folder: StudyFolder, study: StudySpec, arms: Arms, base: Answers) -> StudyAnswers:
    """The base with the inputs of one modality exchanged between cases."""
    answers: dict[str, Answers] = {}
    errors: dict[str, str] = {}
    for modality in arms.base.model.used:
        name = shuffled_name(modality)
        files = [control_file(folder, f"{modality}-shuffled", run) for run in base.runs]
        if all(file.is_file() for file in files):
            answers[name] = _by_seed(files, base, study.folds)
        else:
            errors[name] = "it has not been made"
    return StudyAnswers(answers, errors)


def _probes(arms: Arms) -> list[str]:
    """Controls that read the record: as the base is trained, and as arms are that differ in it."""
    if not arms.base.task.exclusive:
        return [METADATA]
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
    return parquet_table(read_beside(file))


def _repeated(base: Answers, folds: int) -> list[int]:
    return [seed for seed in base.seeds for _ in range(folds)]


def _fixed(tables: Sequence[pd.DataFrame]) -> Answers:
    return gather.stacked([gather.test_rows(tables)], (0,), (), fixed=True)


def _by_seed(files: Sequence[Path], base: Answers, folds: int) -> Answers:
    tables = [
        gather.test_rows([_control(file) for file in files[start : start + folds]])
        for start in range(0, len(files), folds)
    ]
    return gather.stacked(tables, base.seeds, ())
