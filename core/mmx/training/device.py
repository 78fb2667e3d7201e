"""Where models run, and what is said when there is no room left."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from mmx.errors import RunError

_YES = {"1", "true", "yes", "on", "y", "t"}  # as Accelerate reads its variables


def working_device() -> torch.device:
    """The accelerator of this process, else the CPU; the one that Accelerate trains on.

    ``ACCELERATE_USE_CPU=true`` keeps everything on the CPU.
    """
    if os.environ.get("ACCELERATE_USE_CPU", "").lower() in _YES:
        return torch.device("cpu")
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if found is None:
        return torch.device("cpu")
    place = int(os.environ.get("LOCAL_RANK", "0"))  # several processes of a launch: a card each
    return torch.device(found.type, place) if found.type == "cuda" else found


@contextmanager
def placed(module: nn.Module, device: torch.device) -> Iterator[None]:
    """The module on a device; afterwards it is where it was."""
    state = [*module.parameters(), *module.buffers()]
    before = state[0].device if state else device
    module.to(device)
    try:
        yield
    finally:
        module.to(before)


@contextmanager
def enough_memory(what: str, advice: str) -> Iterator[None]:
    """Say what to set when the memory of a device is full.

    Args:
        what: was being done, such as ``a training step of 64 samples``.
        advice: which keys make it smaller.

    Raises:
        RunError: instead of torch's error, which names no key of a spec.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise RunError(
            f"{what} does not fit into the memory of the device: {str(error).splitlines()[0]}\n"
            f"Set {advice}, then run the same spec again"
        ) from error
