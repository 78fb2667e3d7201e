"""Batches divided between the processes of a launch."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from mmx.interfaces import Sampler
from mmx.spec import TrainSpec
from mmx.training.batches import cut, steps_of

Positions = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """What one process sees of a global batch.

    Attributes:
        positions: of the whole batch, over all processes.
        start: first of them that belongs to this process.
        stop: one past the last of them.
    """

    positions: Positions
    start: int
    stop: int

    @property
    def own(self) -> Positions:
        """Positions of this process."""
        return self.positions[self.start : self.stop]


@dataclass(frozen=True, slots=True)
class Sharing:
    """How the batches of an epoch are divided between processes.

    Where the sampler has lanes, the batches are the same for every number of processes.

    Attributes:
        sampler: gives the order, and may say which rows one process shall read.
        process: this one, from 0.
        processes: in all.
    """

    sampler: Sampler
    process: int
    processes: int

    def steps(self, order: Sequence[int], train: TrainSpec) -> list[list[Positions]]:
        """The batches of each step of an epoch; a last one of too few rows joins the one before."""
        batches = cut(order, train.batch_size, max(self.processes, self.sampler.lanes))
        return steps_of(batches, train.accumulate)

    def share(self, batch: Positions) -> Share:
        """What this process sees of a batch, whose rows then lie lane by lane."""
        count = self.sampler.lanes
        if not count:
            return share(batch, self.process, self.processes)
        lanes, rows = self.sampler.lanes_of(batch), [0] * self.processes
        for lane in lanes:
            rows[lane * self.processes // count] += 1
        ends = filled(list(accumulate(rows)), min(2, len(batch) // self.processes))
        order = sorted(range(len(batch)), key=lanes.__getitem__)  # stable
        positions = tuple(batch[index] for index in order)
        return Share(positions, ([0, *ends])[self.process], ends[self.process])


def share(positions: Positions, process: int, processes: int) -> Share:
    """The contiguous share of one process; shares differ by one sample at most."""
    size = len(positions)
    return Share(positions, size * process // processes, size * (process + 1) // processes)


def filled(ends: Sequence[int], least: int) -> list[int]:
    """Ends of shares moved as little as needed for each share to have ``least`` rows.

    A process without a row would have no loss, and all others would wait for its gradients.

    Args:
        ends: [P] of the shares, in ascending order; the last is the number of rows.
        least: rows of a share, at most the P-th part of all.
    """
    found, rows = list[int](), ends[-1]
    for index, end in enumerate(ends):
        others = least * (len(ends) - index - 1)  # of the processes that come after
        found.append(max(min(end, rows - others), least + (found[-1] if found else 0)))
    return found
