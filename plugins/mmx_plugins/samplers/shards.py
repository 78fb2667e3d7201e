"""Shuffling by shards: every sample once per epoch, and each process reads shards of its own.

Rows lie in files, such as tar shards. In each epoch the files are dealt in random order to lanes of
about as many rows. A lane reads a few files at a time: file j of its k files has rows at the places
(j + window u) mod k with u uniform in [0, 1), so that `window` files are open at every place, and
one follows another. Row r of the m of a lane stands at (r + 0.5) / m of the epoch, where the rows
of all lanes are in this order: a batch has rows of all lanes, as many as fall to each. Process p of
P reads the lanes l with floor(l P / lanes) = p, and the batches are the same for every P up to
`lanes`. Rows in files of their own are shuffled as by `shuffle`.

Pitfall: an epoch sees lanes x window shards at a time, and not all. Shards that are sorted, by
hospital or by class, want more of both.

Source: shuffling shards first and then samples within a buffer is that of WebDataset, Aizman,
Maltby, Breuel 2020, arXiv:2001.01858; lanes and places are ours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapreplace
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from mmx import Params, Sampler, SamplerParams, hookimpl
from mmx.errors import DataError
from mmx.interfaces import EVERY_TASK


class ShardsParams(SamplerParams):
    """Every sample once per epoch, shuffled so that each process reads shards of its own."""

    tasks: ClassVar[frozenset[str]] = EVERY_TASK

    type: Literal["shards"] = "shards"
    lanes: int = Field(
        default=8, ge=1, description="parts of the shards, read side by side; most processes"
    )
    window: int = Field(default=4, ge=1, description="shards of a lane that are read at a time")

    def build(self, labels: Tensor, seed: int) -> "Shards":
        return Shards(len(labels), seed, self.lanes, self.window)


class Shards(Sampler):
    """A permutation of n rows per epoch, in lanes of files.

    Args:
        length: n, rows of the training part; each in a file of its own until ``set_files``.
        seed: of all epochs.
        lanes: most lanes; there are no more than files.
        window: files of a lane that are read at a time.
    """

    def __init__(self, length: int, seed: int, lanes: int, window: int) -> None:
        self.length, self.seed = length, seed
        self.most, self.window = lanes, window
        self.file, self.files = torch.arange(length), length  # [n], file of each row, of how many
        self._lane: tuple[int, Tensor] | None = None  # an epoch, and the lane [n] of each row in it

    def set_files(self, files: Sequence[str]) -> None:
        """Take the file of each row; a row without one counts as a file of its own."""
        if len(files) != self.length:
            raise DataError(f"{len(files)} files for {self.length} rows")
        names = [name or row for row, name in enumerate(files)]
        numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
        self.file = torch.tensor([numbers[name] for name in names], dtype=torch.int64)
        self.files, self._lane = len(numbers), None

    @property
    def lanes(self) -> int:
        """As many as asked for, if there are files enough."""
        return min(self.most, self.files)

    def lanes_of(self, rows: Sequence[int]) -> Sequence[int]:
        """As they are dealt in this epoch."""
        if self._lane is None or self._lane[0] != self.epoch:
            self._lane = self.epoch, self._deal(self._generator()).lane[self.file]
        return self._lane[1][list(rows)].tolist()

    def __iter__(self) -> Iterator[int]:
        generator = self._generator()
        dealt = self._deal(generator)
        lane, among = dealt.lane[self.file], dealt.among[self.file]
        drawn = torch.rand(self.length, generator=generator, dtype=torch.float64)
        place = (dealt.place[self.file] + among.clamp(max=self.window) * drawn) % among
        return iter(merged(lane, place).tolist())

    def __len__(self) -> int:
        return self.length

    def _generator(self) -> torch.Generator:
        # far apart, so that epoch 1 of one seed is not epoch 0 of the next
        return torch.Generator().manual_seed(self.seed + 1_000_003 * self.epoch)

    def _deal(self, generator: torch.Generator) -> "Dealt":
        return deal(torch.bincount(self.file), self.lanes, generator)


@dataclass(frozen=True, slots=True)
class Dealt:
    """Where each of k files lies in an epoch.

    Attributes:
        lane: [k], int64.
        place: [k], int64, from 0, among the files of its lane.
        among: [k], int64, how many files that lane has.
    """

    lane: Tensor
    place: Tensor
    among: Tensor


def deal(sizes: Tensor, lanes: int, generator: torch.Generator) -> Dealt:
    """Deal files in random order, each to the lane that has the fewest rows so far.

    Args:
        sizes: [k], rows of each file, >= 1; k >= ``lanes``.
        lanes: of which none stays empty.
        generator: decides order and lanes.
    """
    rows = sizes.tolist()
    order = torch.randperm(len(rows), generator=generator)
    held = [(0, lane) for lane in range(lanes)]  # a heap
    lane = [0] * len(rows)
    # large ones first, for balance; only roughly, or the same ones would meet in every epoch
    for file in sorted(order.tolist(), key=lambda file: -rows[file].bit_length()):
        before, lane[file] = held[0]
        heapreplace(held, (before + rows[file], lane[file]))
    found = torch.tensor(lane)
    return Dealt(found, ranked(found, order), found.bincount()[found])


def merged(lane: Tensor, place: Tensor) -> Tensor:
    """Rows [n] in the order of an epoch: those of each lane evenly over all of it.

    Args:
        lane: [n], int64, of each row.
        place: [n], by which the rows of a lane are in order.
    """
    rank = ranked(lane, place.argsort(stable=True))
    when = (rank.double() + 0.5) / lane.bincount()[lane]
    by_lane = lane.argsort(stable=True)  # lanes of equal length take turns
    return by_lane[when[by_lane].argsort(stable=True)]


def ranked(lane: Tensor, order: Tensor) -> Tensor:
    """[n], int64: how many of its lane [n] come before each one in an order [n]."""
    by_lane = order[lane[order].argsort(stable=True)]
    size = lane.bincount()
    found = torch.empty_like(lane)
    found[by_lane] = torch.arange(len(lane)) - (size.cumsum(0) - size)[lane[by_lane]]
    return found


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [ShardsParams]
