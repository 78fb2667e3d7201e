"""Samplers: the order in which training samples are drawn."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from torch import Tensor
from torch.utils.data import Sampler as TorchSampler

from mmx.interfaces.params import Params


class SamplerParams(Params):
    """Settings of a sampler."""

    kind: ClassVar[str] = "sampler"
    tasks: ClassVar[frozenset[str]] = frozenset({"single_label"})

    @property
    def rebalances(self) -> bool:
        """Whether it changes the class frequencies that training sees."""
        return False

    @abstractmethod
    def build(self, labels: Tensor, seed: int) -> "Sampler":
        """Build the sampler for training labels [n] or [n, L], int64."""


class Sampler(TorchSampler[int], ABC):
    """Yields rows of the training part; the same seed and epoch give the same order."""

    epoch: int = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) that the next iteration draws."""
        self.epoch = epoch

    def set_groups(self, groups: Sequence[str]) -> None:
        """Take the group of each training row; called once, right after ``build``."""

    def set_files(self, files: Sequence[str]) -> None:
        """Take the shard or table that the image of each training row lies in.

        Called once, before the first epoch, where there are ``lanes``. Empty for a row without an
        image, or with a file of its own.
        """

    @property
    def lanes(self) -> int:
        """Number of lanes, each of which one process reads; 0: any process reads any row.

        A lane is what a process has for itself in an epoch, such as some of the shards. Batches are
        the same for any number of processes up to that of lanes.
        """
        return 0

    def lanes_of(self, rows: Sequence[int]) -> Sequence[int]:
        """The lane of each of these rows in this epoch, 0 to ``lanes`` - 1."""
        return [0] * len(rows)

    @abstractmethod
    def __iter__(self) -> Iterator[int]:
        """Rows of this epoch."""

    @abstractmethod
    def __len__(self) -> int:
        """Rows in an epoch."""

    def expected_counts(self, class_counts: Tensor) -> Tensor:
        """Class counts [C] as training sees them in an epoch, for losses that correct a prior."""
        return class_counts
