"""Several processes of one launch: the first one writes, the others train along."""

import os
from contextlib import AbstractContextManager, nullcontext

from torch import distributed

from mmx.runs import Observer, RunFolder, SilentObserver


def first_process() -> bool:
    """Whether this process writes; true without ``accelerate launch`` or torchrun."""
    return os.environ.get("RANK", "0") == "0"


def process_count() -> int:
    """Number of processes of this launch; 1 without ``accelerate launch`` or torchrun."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def lock_of(folder: RunFolder, observer: Observer) -> AbstractContextManager[None]:
    """The lock of a run for the first process; the others come in beside it."""
    return folder.lock(observer) if first_process() else nullcontext()


def heard(observer: Observer | None) -> Observer:
    """The observer of the first process; the others are silent."""
    return observer if observer is not None and first_process() else SilentObserver()


def wait_for_everyone() -> None:
    """Wait until all processes of the launch have come here."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
