"""What is settled once per training and kept when it is resumed: precision, threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch

from mmx.errors import RunError
from mmx.interfaces import Batch
from mmx.runs import Observer, RunFolder
from mmx.spec import TrainSpec
from mmx.training.precision import Precision, resolve_precision

FILE = "training.json"


@dataclass(frozen=True, slots=True)
class Session:
    """Resolved values of a training.

    Attributes:
        precision: of the model.
        threads: of torch.
        processes: that train together.
        device: type of the device, such as ``cpu``.
    """

    precision: Precision
    threads: int
    processes: int
    device: str


def settle(
    run: RunFolder,
    settings: TrainSpec,
    device: torch.device,
    batch: Batch,
    processes: int,
    observer: Observer,
) -> Session:
    """The values of this run: those of its first start where it was started before.

    Raises:
        RunError: fp16 or compile without CUDA.
    """
    if settings.compile and device.type != "cuda":
        raise RunError(
            f"train.compile pays on a CUDA device only, this is {device.type}; "
            "set train.compile: false"
        )
    precision = resolve_precision(settings.precision, device, batch)
    threads = settings.threads or torch.get_num_threads()
    now = Session(precision, threads, processes, device.type)
    before = _before(run)
    if before is None:
        return now
    if (before.processes, before.device) != (now.processes, now.device):
        observer.message(
            f"the run began with {before.processes} process(es) on {before.device} and goes on "
            f"with {now.processes} on {now.device}; its numbers agree to rounding, not bit for bit"
        )
        return now
    return before


def _before(run: RunFolder) -> Session | None:
    if not (run.path / FILE).exists():
        return None
    data: dict[str, Any] = run.read_json(FILE)
    try:
        return Session(**data)
    except TypeError as error:
        raise RunError(f"{run.path / FILE} is of another version of mmx; use --fresh") from error


def remember(run: RunFolder, session: Session) -> None:
    """Store the resolved values."""
    run.write_json(FILE, asdict(session))


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let torch compute with so many threads: sums round differently with another number."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
