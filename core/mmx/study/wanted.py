"""The runs that a study needs, and which of them are there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmx.pipeline import core_digest, sources_used
from mmx.runs import RunFolder
from mmx.spec import Spec, load_spec
from mmx.study.arms import Arm, Arms
from mmx.study.plan import digest_of
from mmx.study.spec import StudySpec
from mmx.study.study_folder import Entry, StudyFolder


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run that the study needs.

    Attributes:
        arm: whose.
        seed: of the training.
        fold: from 0.
        spec: resolved.
        overrides: that make it from the arm's file.
    """

    arm: Arm
    seed: int
    fold: int
    spec: Spec
    overrides: tuple[str, ...]

    @property
    def key(self) -> str:
        """Unique in the study."""
        return f"{self.arm.name}, seed {self.seed}, fold {self.fold}"

    @property
    def identity(self) -> str:
        """Digest of all that the spec says."""
        return digest_of(self.spec.digest_fields())


def wanted_runs(study: StudySpec, arms: Arms) -> list[PlannedRun]:
    """Every run of the study, seed by seed, so that all arms have a first result early."""
    found = []
    for seed in study.seeds:
        for fold in range(study.folds):
            for arm in arms.arms:
                if not arm.fault:
                    found.append(wanted_run(study, arms, arm, seed, fold))
    return found


def wanted_run(study: StudySpec, arms: Arms, arm: Arm, seed: int, fold: int) -> PlannedRun:
    """One run of an arm; its fold is named where there are several."""
    more = [f"seed={seed}", f"train.threads={study.threads}"]
    if study.folds > 1:
        more += [f"data.split.folds={study.folds}", f"data.split.fold={fold}"]
    overrides = (*arm.overrides, *more)
    spec = load_spec(arm.file, overrides=overrides, plugins=arms.plugins)
    return PlannedRun(arm, seed, fold, spec, overrides)


def latest(folder: StudyFolder, study: StudySpec, arms: Arms) -> list[Entry]:
    """The last entry of each run that the study wants."""
    noted = {(one.arm, one.seed, one.fold, one.identity): one for one in folder.entries()}
    keys = [(w.arm.name, w.seed, w.fold, w.identity) for w in wanted_runs(study, arms)]
    return [noted[key] for key in keys if key in noted]


def finished(entry: Entry, spec: Spec) -> bool:
    """Whether the run is there, whole, and made by the code that is installed now."""
    if not entry.run or entry.error:
        return False
    run = RunFolder(Path(entry.run))
    if not run.finished:
        return False
    made: dict[str, Any] = run.read_json("environment.json")
    methods = sources_used(spec, spec.plugins)
    return made.get("core") == core_digest() and made.get("methods") == methods
