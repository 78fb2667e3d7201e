"""Answers of the controls of a study: without training, of a record, or with inputs shuffled."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mmx.evaluation import shuffled_name
from mmx.experiment import CONTROL, Run
from mmx.runs import parquet_table, read_beside, read_sealed
from mmx.study import gather
from mmx.study.arms import Arms
from mmx.study.baselines import FORMS, METADATA
from mmx.study.forms import forms_of
from mmx.study.gather import Answers, StudyAnswers
from mmx.study.run_controls import run_controls
from mmx.study.spec import StudySpec
from mmx.study.study_folder import StudyFolder, baseline_file, control_file

NAMED_ALIKE = "an arm of this study has its name; give that arm another one to see both"
OTHER_ROWS = "it was made on other test rows than the base has"


def control_answers(
    folder: StudyFolder, study: StudySpec, arms: Arms, base: Answers, found: StudyAnswers
) -> StudyAnswers:
    """Answers of all controls that are there, those without training first; or why not."""
    if not study.controls:
        return StudyAnswers({}, {})
    forms = forms_of(arms)
    plain = _baselines(folder, study, forms, base)
    of_runs = run_controls(arms, found, study.folds)
    records = _of_records(folder, study, arms, forms, base)
    shuffled = _shuffled(folder, study, arms, base)
    trained = {
        arm.name: found.answers[arm.name]
        for arm in arms.arms
        if arm.role == "control" and arm.name in found.answers
    }
    controls = {
        **plain.answers, **records.answers, **of_runs.answers, **trained, **shuffled.answers,
    }  # fmt: skip
    other = [name for name, one in controls.items() if not one.same_rows(base)]
    wrong = dict.fromkeys(other, OTHER_ROWS)
    named = [arm.name for arm in arms.arms if arm.role != "control" and arm.name in controls]
    wrong |= dict.fromkeys(named, NAMED_ALIKE)
    errors = {**plain.errors, **records.errors, **of_runs.errors, **shuffled.errors, **wrong}
    kept = {name: one for name, one in controls.items() if name not in wrong}
    meanings = {**plain.meanings, **records.meanings, **of_runs.meanings}
    notes = [*records.notes, *of_runs.notes]
    return StudyAnswers(kept, errors, meanings, notes, of_runs.against)


def _baselines(
    folder: StudyFolder, study: StudySpec, forms: Sequence[str], base: Answers
) -> StudyAnswers:
    """Controls that need no training, of the first seed."""
    files = [control_file(folder, "baselines", run) for run in _first(study, base)]
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
    needed = {f"{METADATA}{form}" for form in forms}
    others = {f"{METADATA}{form}" for form in FORMS.values()} - needed
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


def _of_records(
    folder: StudyFolder, study: StudySpec, arms: Arms, forms: Sequence[str], base: Answers
) -> StudyAnswers:
    """Baselines of the record, of the first seed; or why one is not there."""
    found = StudyAnswers({}, {}, {})
    for method in arms.baselines:
        files = [baseline_file(folder, method, forms, run) for run in _first(study, base)]
        if method.missing or not files or not all(file.is_file() for file in files):
            found.errors[method.name] = method.missing or "it has not been made"
            continue
        tables = [_control(file) for file in files]
        for name in dict.fromkeys(tables[0][CONTROL]):
            found.answers[name] = _fixed([table[table[CONTROL] == name] for table in tables])
            found.meanings[name] = f"{name} on the record alone"
            notes = [read_sealed(file.with_suffix(".json"))["notes"][name] for file in files]
            found.notes.extend(f"{name}: {one}" for one in dict.fromkeys(notes) if one)
    return found


def _first(study: StudySpec, base: Answers) -> list[Run]:
    """The runs of the first seed, one for each fold."""
    seeds = _repeated(base, study.folds)
    return [run for run, seed in zip(base.runs, seeds, strict=True) if seed == study.seeds[0]]


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
