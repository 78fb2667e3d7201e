"""Controls that the runs of a study made themselves: the probe and zero-shot, by their answers.

Both read features of frozen encoders, so arms that share their encoders share these answers. They
stand once, under the first arm that has them; an arm with other encoders has its own.
"""

from collections.abc import Iterator

import numpy as np

from mmx.experiment import CONTROL, control_notes
from mmx.study import gather
from mmx.study.arms import Arms
from mmx.study.gather import Answers, StudyAnswers

MEANINGS = {"probe": "a linear model on the frozen features"}
OTHER_VERSION = "its runs are of a version that kept no answers of it; run them with --fresh"


def run_controls(arms: Arms, found: StudyAnswers, folds: int) -> StudyAnswers:
    """Answers of the controls of all arms that have a result, the base first.

    Args:
        arms: of the study.
        found: answers of the arms.
        folds: of each seed.
    """
    controls = StudyAnswers({}, {})
    base = arms.arms[0]
    for arm in arms.arms:
        if arm.role != "control" and arm.name in found.answers:
            own = found.answers[arm.name]
            of = "" if arm is base else f" of {arm.name}"
            for name, one in _answers(own, folds):
                _add(controls, name, of, one, own)
    for name, told in control_notes(found.answers[base.name].runs[0].metrics).items():
        if name not in controls.answers:
            controls.errors[name] = told.missing or OTHER_VERSION
    return controls


def _add(controls: StudyAnswers, name: str, of: str, one: Answers, own: Answers) -> None:
    """A control of an arm, unless it is that of an earlier arm.

    Args:
        controls: those that there are.
        name: as runs call it.
        of: whose it is, behind its name; empty for the base.
        one: its answers.
        own: answers of the arm.
    """
    alike = [other for key, other in controls.answers.items() if key.startswith(name)]
    if any(_same(one, other) for other in alike):
        return
    controls.answers[f"{name}{of}"] = one
    if name in MEANINGS:
        controls.meanings[f"{name}{of}"] = f"{MEANINGS[name]}{of}"
    if of:
        controls.against[f"{name}{of}"] = of.removeprefix(" of ")
    notes = dict.fromkeys(control_notes(run.metrics)[name].note for run in own.runs)
    controls.notes.extend(f"{name}{of}: {note}" for note in notes)


def _answers(own: Answers, folds: int) -> Iterator[tuple[str, Answers]]:
    """Each control that all runs of an arm have, with what it answered."""
    tables = [run.controls for run in own.runs]
    for name in dict.fromkeys(tables[0][CONTROL]):
        mine = [table[table[CONTROL] == name] for table in tables]
        if all(len(table) for table in mine):
            seeds = [
                gather.test_rows(mine[start : start + folds])
                for start in range(0, len(mine), folds)
            ]
            if all(one.equals(seeds[0]) for one in seeds):  # no seed changes it
                yield name, gather.stacked(seeds[:1], (0,), (), fixed=True)
            else:
                yield name, gather.stacked(seeds, own.seeds, ())


def _same(one: Answers, other: Answers) -> bool:
    """Whether two controls answered the same."""
    mine, theirs = one.given.values, other.given.values
    return one.same_rows(other) and np.array_equal(mine, theirs, equal_nan=True)
