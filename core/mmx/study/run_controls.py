"""Controls that the runs of a study made themselves: the probe and zero-shot, by their answers.

Both read features of frozen encoders, so arms that share their encoders share these answers. They
stand once, under the first arm that has them; an arm with other encoders has its own.
"""

from collections.abc import Iterator, Mapping

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
            made = dict(_answers(own, folds))
            for name, one in made.items():
                _add(controls, name, of, one, own)
            _note_absent(controls, made, of, own)
    return controls


def _note_absent(
    controls: StudyAnswers, made: Mapping[str, Answers], of: str, own: Answers
) -> None:
    """Why controls of an arm are not among these; of other arms than the base, what was lost."""
    for name, told in control_notes(own.runs[0].metrics).items():
        if name in made:
            continue
        if not of:
            controls.errors[name] = told.missing or OTHER_VERSION
        elif not told.missing and controls.errors.get(name) != OTHER_VERSION:
            controls.errors[f"{name}{of}"] = OTHER_VERSION


def _add(controls: StudyAnswers, name: str, of: str, one: Answers, own: Answers) -> None:
    """A control of an arm, unless it is that of an earlier arm.

    Args:
        controls: those that there are.
        name: as runs call it.
        of: whose it is, behind its name; empty for the base.
        one: its answers.
        own: answers of the arm.
    """
    earlier = [
        other
        for key, other in controls.answers.items()
        if key == name or key.startswith(f"{name} of ")
    ]
    if any(_same(one, other) for other in earlier):
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
