"""Answers of the controls of a study: without training, of a record, or with inputs shuffled."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pandas as pd

from mmx.evaluation import shuffled_name
from mmx.runs import read_beside, read_sealed
from mmx.spec import Spec, corrections, load_spec
from mmx.study import gather
from mmx.study.arms import Arms
from mmx.study.baselines import MAJORITY, PROBES
from mmx.study.gather import Answers, StudyAnswers
from mmx.study.label_baselines import CONTROL, METADATA, PREVALENCE
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
    return StudyAnswers({name: one for name, one in controls.items() if name not in other}, errors)


def _baselines(folder: StudyFolder, study: StudySpec, arms: Arms, base: Answers) -> StudyAnswers:
    """Controls that need no training, of the first seed."""
    seeds = _repeated(base, study.folds)
    first = [run for run, seed in zip(base.runs, seeds, strict=True) if seed == study.seeds[0]]
    files = [control_file(folder, "baselines", run) for run in first]
    answers: dict[str, Answers] = {}
    errors: dict[str, str] = {}
    if not files or not all(file.is_file() for file in files):
        return StudyAnswers(answers, errors)
    tables = [_control(file) for file in files]
    for file in files:
        errors |= read_sealed(file.with_suffix(".json"))
    several = base.labelled is not None
    for name in (PREVALENCE, METADATA) if several else (MAJORITY, *_probes(arms)):
        own = [_answers_of(name, table) for table in tables]
        if all(one is not None for one in own):
            answers[name] = _fixed([one for one in own if one is not None])
        elif METADATA not in errors:
            errors[name] = f"{files[0].name} was made by another version; delete it"
    return StudyAnswers(answers, errors)


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
