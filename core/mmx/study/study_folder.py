"""The folder of a study: its plan, the record of its runs, its reports."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmx.errors import RunError
from mmx.experiment import Run, runs_folder
from mmx.files import Journal
from mmx.runs import read_sealed, write_sealed
from mmx.study.baseline_methods import BaselineMethod
from mmx.study.spec import load_study

PLAN = "plan.json"
RECORD = "runs.jsonl"
COPY = "study.yaml"


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one run of a study.

    Attributes:
        arm: its name.
        seed: of the training.
        fold: from 0.
        identity: digest of the resolved spec with this seed and fold.
        run: its folder; empty when it failed.
        seconds: it took; 0 for a run that was finished before.
        error: why it failed; empty when it did not.
    """

    arm: str
    seed: int
    fold: int
    identity: str
    run: str = ""
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """The folder of one study.

    Attributes:
        path: ``studies/NAME`` in the folder of the runs.
    """

    path: Path

    @classmethod
    def of(cls, name: str) -> "StudyFolder":
        """The folder of the study with this name, made when it is not there."""
        path = studies_folder() / name
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{path} cannot be made: {error}") from error
        return cls(path)

    @property
    def plan(self) -> dict[str, Any] | None:
        """The plan as written before the first run; None before."""
        file = self.path / PLAN
        if not file.is_file():
            return None
        return read_sealed(file)

    def write_plan(self, plan: Mapping[str, Any]) -> None:
        """Write the plan whole."""
        write_sealed(self.path / PLAN, plan)

    def note(self, entry: Entry) -> None:
        """Append what became of a run."""
        file = self.path / RECORD
        try:
            Journal(file).append({**asdict(entry), "time": round(time.time(), 3)})
        except OSError as error:
            raise RunError(f"{file} cannot be written: {error}") from error

    def entries(self) -> list[Entry]:
        """What is noted, oldest first.

        A line that is torn or was changed is passed over: the run that it told of is asked for
        again, and found finished.
        """
        file = self.path / RECORD
        try:
            found, _ = Journal(file).read()
        except OSError as error:
            raise RunError(f"{file} cannot be read: {error}") from error
        return list(_entries(found))


def _entries(lines: Sequence[Mapping[str, Any]]) -> Iterator[Entry]:
    for values in lines:
        with suppress(KeyError):
            yield Entry(**{name: values[name] for name in Entry.__slots__})


def studies_folder() -> Path:
    """Where studies are kept: ``studies`` in the folder of the runs."""
    return runs_folder() / "studies"


def find_study(named: str | Path) -> StudyFolder:
    """The folder of a study, by its name, its folder or its file.

    Raises:
        RunError: there is none.
    """
    path = Path(named)
    if path.is_file():
        path = studies_folder() / load_study(path).study
    elif not (path / PLAN).is_file():
        path = studies_folder() / str(named)
    if not (path / PLAN).is_file():
        there = ", ".join(one.path.name for one in all_studies()) or "none"
        raise RunError(
            f"there is no study {named} in {studies_folder()}; there are: {there}. "
            "`mmx study run STUDY.yaml` makes one"
        )
    return StudyFolder(path)


def all_studies() -> list[StudyFolder]:
    """Every study that has a plan, by name."""
    return [StudyFolder(file.parent) for file in sorted(studies_folder().glob(f"*/{PLAN}"))]


def control_file(folder: StudyFolder, name: str, run: Run) -> Path:
    """Where a control that rests on a run is kept; another run makes another file."""
    return folder.path / "controls" / f"{name}-{run.digest}.parquet"


def baseline_file(
    folder: StudyFolder, method: BaselineMethod, forms: Sequence[str], run: Run
) -> Path:
    """Where the answers of a baseline are kept; other settings or forms make another file."""
    told = hashlib.sha256(f"{method.digest} {forms}".encode()).hexdigest()[:12]
    return control_file(folder, f"{method.name.replace(' ', '-')}-{told}", run)


def count_file(folder: StudyFolder, run: Run) -> Path:
    """Where the count of a run's operations is kept."""
    return folder.path / "counts" / f"{run.digest}.json"
