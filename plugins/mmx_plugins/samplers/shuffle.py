"""Shuffling: every sample once per epoch, in an order drawn from seed and epoch alone."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor

from mmx import Params, Sampler, SamplerParams, hookimpl
from mmx.interfaces import EVERY_TASK


class ShuffleParams(SamplerParams):
    """Every sample once per epoch, shuffled."""

    tasks: ClassVar[frozenset[str]] = EVERY_TASK

    type: Literal["shuffle"] = "shuffle"

    def build(self, labels: Tensor, seed: int) -> "Shuffle":
        return Shuffle(len(labels), seed)


class Shuffle(Sampler):
    """A permutation of n rows per epoch.

    Args:
        length: n, rows of the training part.
        seed: of all epochs.
    """

    def __init__(self, length: int, seed: int) -> None:
        self.length, self.seed = length, seed

    def __iter__(self) -> Iterator[int]:
        # far apart, so that epoch 1 of one seed is not epoch 0 of the next
        generator = torch.Generator().manual_seed(self.seed + 1_000_003 * self.epoch)
        return iter(torch.randperm(self.length, generator=generator).tolist())

    def __len__(self) -> int:
        return self.length


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [ShuffleParams]
