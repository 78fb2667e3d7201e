"""One run, from a spec to its report."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from mmx.experiment.run_setup import set_up
from mmx.experiment.saved import Run
from mmx.experiment.stages import Stages
from mmx.interfaces import Hook
from mmx.pipeline import first_process, heard, lock_of, wait_for_everyone
from mmx.runs import Observer, RunFolder, sigterm_stops
from mmx.spec import Spec, check_trainable


def runs_folder() -> Path:
    """Where runs are kept: ``MMX_RUNS``, else ``runs`` in the working folder."""
    return Path(os.environ.get("MMX_RUNS") or "runs")


def run(spec: Spec, *, fresh: bool = False, observer: Observer | None = None) -> Run:
    """Train and evaluate what a spec describes, or come back to it.

    The same spec on the same data continues a run that was stopped, and returns one that is done.

    Args:
        spec: what ``load_spec`` gave.
        fresh: start over.
        observer: is told how far the run has come.

    Raises:
        MmxError: faults of data, weights, plugins or widths, and errors of the audit that the
            spec does not waive, in plain words.
        KeyboardInterrupt: stopped by hand; the run can be resumed.
    """
    return run_into(runs_folder(), spec, fresh=fresh, observer=observer)


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """What a run takes from an earlier one that it repeats.

    Attributes:
        settled: precision, threads and the like; empty where nothing is taken.
        split_file: whose split is taken as it was; None deals the rows anew.
    """

    settled: Mapping[str, object]
    split_file: Path | None


NEW = EarlierRun({}, None)


@sigterm_stops()
def run_into(
    root: Path,
    spec: Spec,
    *,
    fresh: bool = False,
    observer: Observer | None = None,
    earlier: EarlierRun = NEW,
    also: Sequence[Hook] = (),
) -> Run:
    """``run`` in another folder of runs.

    ``earlier`` is a run that this one repeats; ``also`` are hooks of mmx itself, beside those of
    the spec.
    """
    check_trainable(spec)
    observer = heard(observer)
    if spec.train.threads:
        torch.set_num_threads(spec.train.threads)
    setup = set_up(spec, observer, earlier.split_file, also)
    folder = RunFolder.create(root, spec.name, setup.digest, fresh and first_process())
    with lock_of(folder, observer):
        if folder.finished:
            folder.check()
            observer.message(f"{folder.path} is finished already; --fresh starts it over")
        else:
            Stages(setup, folder).do(earlier.settled)
    wait_for_everyone()
    return Run(folder.path)
