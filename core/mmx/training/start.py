"""train: puts a training together and runs it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from mmx.blocks import exact_fp32
from mmx.errors import DataError, RunError
from mmx.interfaces import Task
from mmx.runs import Observer, RunFolder
from mmx.spec import Spec, TrainSpec
from mmx.training.exchange import too_few_groups
from mmx.training.history import History
from mmx.training.interfaces import Rows
from mmx.training.interrupt import StopRequest
from mmx.training.loop import EpochEnded, Loop
from mmx.training.session import settle, threads
from mmx.training.trainee import Trainee, TrainingData


def train(
    trainee: Trainee,
    data: TrainingData,
    spec: Spec,
    run: RunFolder,
    observer: Observer,
    *,
    epoch_ended: EpochEnded | None = None,
) -> History:
    """Train a model, or go on from the last checkpoint of the run.

    At the end the model has the weights of the epoch with the best validation score
    (``train.select``); without labelled validation rows, of the last epoch.

    Args:
        trainee: the model, which is moved to the device of this process, and what it learns by.
        data: rows to learn from and to validate on.
        spec: ``seed``, ``train``, ``evaluation.batch_size`` and ``data.workers`` are read.
        run: where checkpoints and events go; the caller holds its lock.
        observer: told at most ten times a second.
        epoch_ended: called in the first process with the 1-based epoch and its figures.

    Raises:
        RunError: a loss that is not finite, nothing that learns, settings that this machine
            cannot run, or a run that cannot be written.
        DataError: no training rows, or training rows without label.
        KeyboardInterrupt: Ctrl-C; a checkpoint was written, and the same spec goes on from it.
    """
    check_rows(data.parts["train"], trainee.task)
    tell_few_groups(data.parts["validation"], trainee.task, spec.train, observer)
    accelerator = _accelerator()
    first, _ = data.parts["train"].batch([0])
    session = settle(
        run, spec.train, accelerator.device, first, accelerator.num_processes, observer
    )
    trainee.sampler.set_groups(data.parts["train"].groups)
    exact = exact_fp32() if session.precision == "fp32" else nullcontext()
    with exact, threads(session.threads), killed_fetchers(), StopRequest() as stop:
        loop = Loop(trainee, data, spec, run, observer, session, accelerator, stop, epoch_ended)
        return loop.fit()


_ASKING = threading.Lock()


def _accelerator() -> Any:
    """Devices and processes; precision is set by the loop itself."""
    from accelerate import Accelerator  # a second of import
    from accelerate.utils import DistributedDataParallelKwargs

    # fusions of one modality leave projections without gradient, which DDP must expect
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    with _ASKING:  # what it shares in a process is half made while the first one is made
        return Accelerator(mixed_precision="no", kwargs_handlers=[unused])


@contextmanager
def killed_fetchers() -> Iterator[None]:
    """Tell in plain words that a process which fetches data died; torch raises at any line then."""
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise RunError(
            "a process that fetches the data was killed, often for want of memory; run the same "
            f"spec again to go on, or set data.workers: 0 ({' '.join(str(error).split())[:200]})"
        ) from error


def check_rows(part: Rows, task: Task) -> None:
    """Refuse a training part without rows or with rows of which nothing is known."""
    if not len(part):
        raise DataError("the training part has no rows; see data.split")
    unknown = int((~task.known(part.labels)).sum())
    if unknown:
        raise DataError(f"{unknown} rows of the training part have no label; leave them out")


def tell_few_groups(part: Rows, task: Task, train: TrainSpec, observer: Observer) -> None:
    """Say before time is spent that no later epoch can be kept, where none can."""
    few = too_few_groups(part, task, train)
    if few:
        observer.message(few)
