"""Screening of large grids: arms that fall behind on validation stop early (ASHA, by Optuna).

Source: Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning, arXiv:1810.05934.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from mmx.errors import MissingExtraError, RunError
from mmx.experiment import run_into, runs_folder
from mmx.files import Journal
from mmx.interfaces import Hook
from mmx.runs import Observer
from mmx.spec import Spec

FACTOR = 3  # one of three goes on at each rung
SCREENED = "screened out"
_TRIALS, _BUDGETS = "asha.journal", "screening.jsonl"


class ScreenedOut(RunError):
    """An arm fell behind the others on validation and was stopped; no fault of the run."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What an arm was given.

    Attributes:
        arm: its name.
        epochs: that it trained.
        of: epochs of a whole run.
        value: its last validation score.
        stopped: whether it was stopped.
    """

    arm: str
    epochs: int
    of: int
    value: float
    stopped: bool


def screen(spec: Spec, values: Mapping[str, Any], observer: Observer) -> str:
    """Run a spec, but stop where its validation score is not among the best third of a rung.

    Args:
        spec: of the arm, first seed.
        values: ``folder`` of the study, ``arm``, digest of the ``plan``, and ``keep``: never stop,
            as for the base.
        observer: is told how far it has come.

    Raises:
        ScreenedOut: it was stopped.
    """
    folder = Path(values["folder"])
    watch = _Watch(
        spec,
        str(values["arm"]),
        bool(values["keep"]),
        _trial(folder, spec, str(values["plan"])),
        folder,
    )
    finished = run_into(runs_folder(), spec, observer=observer, also=[watch])
    watch.tell(stopped=False)
    return str(finished.path)


class _Watch(Hook):
    """Reports each epoch to the trial, and ends the run where the trial is to be pruned."""

    def __init__(self, spec: Spec, arm: str, keep: bool, trial: Any, folder: Path) -> None:
        self._metric = spec.select
        self._arm = arm
        self._keep = keep
        self._trial = trial
        self._folder = folder
        self._epochs = 0
        self._of = spec.train.epochs
        self._value = float("nan")

    def epoch_ended(self, folder: Path, epoch: int, values: Mapping[str, float]) -> None:
        """Stop the run here when it has fallen behind."""
        self._epochs, self._value = epoch, float(values[f"validation {self._metric}"])
        self._trial.report(self._value, epoch)
        if self._trial.should_prune() and not self._keep and epoch < self._of:
            self.tell(stopped=True)
            raise ScreenedOut(
                f"{SCREENED} by asha after {epoch} of {self._of} epochs: {self._metric} on "
                f"validation was {self._value:.3f}, not in the best third of the arms by then"
            )

    def tell(self, *, stopped: bool) -> None:
        """Close the trial and note the budget."""
        states = import_module("optuna").trial.TrialState
        if not self._epochs:  # the run was finished before; it says nothing about this rung
            self._trial.study.tell(self._trial, state=states.FAIL)
            return
        state = states.PRUNED if stopped else states.COMPLETE
        self._trial.study.tell(self._trial, None if stopped else self._value, state=state)
        budget = Budget(self._arm, self._epochs, self._of, self._value, stopped)
        Journal(self._folder / _BUDGETS).append(asdict(budget))


def budgets(folder: Path) -> list[Budget]:
    """What each arm was given, the last time it was screened; empty without screening."""
    found: dict[str, Budget] = {}
    for line in Journal(folder / _BUDGETS).read()[0]:
        budget = Budget(**line)
        found[budget.arm] = budget
    return list(found.values())


def screening_words(folder: Path) -> list[str]:
    """What a reader of the report must know of the screening; empty without one."""
    given = budgets(folder)
    if not given:
        return []
    told = ", ".join(f"{one.arm} {one.epochs} of {one.of}" for one in given)
    stopped = sum(one.stopped for one in given)
    return [
        f"Screened by asha on validation at the first seed: {stopped} of {len(given)} arms were "
        f"stopped early and are not compared. Epochs that each got: {told}. Which arms are stopped "
        "depends on the order in which they come."
    ]


def need_optuna() -> None:
    """Refuse early.

    Raises:
        MissingExtraError: Optuna is not installed.
    """
    try:
        import_module("optuna")
    except ImportError as error:
        raise MissingExtraError("optuna", "mmx[screen]") from error


def _trial(folder: Path, spec: Spec, plan: str) -> object:
    """A trial of the study's Optuna journal, which all workers share."""
    optuna = import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    backend = optuna.storages.journal.JournalFileBackend(str(folder / _TRIALS))
    study = optuna.create_study(
        study_name=f"asha {plan}",  # scores of another plan are no rivals
        storage=optuna.storages.JournalStorage(backend),
        direction="maximize" if spec.task.selects[spec.select] else "minimize",
        pruner=optuna.pruners.SuccessiveHalvingPruner(
            min_resource=max(1, spec.train.epochs // FACTOR**2), reduction_factor=FACTOR
        ),
        load_if_exists=True,
    )
    return study.ask()
