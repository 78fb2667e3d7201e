"""From the order of an epoch to the batches of its steps."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader

from mmx.interfaces import Batch
from mmx.training.interfaces import Rows


def cut(order: Sequence[int], size: int, processes: int = 1) -> list[tuple[int, ...]]:
    """Cut the order of an epoch into batches.

    A last batch with fewer than two samples for each process joins the one before: batch
    normalisation cannot learn from one sample, and nothing is left out.
    """
    batches = [tuple(order[start : start + size]) for start in range(0, len(order), size)]
    if len(batches) > 1 and len(batches[-1]) < min(size, 2 * processes):
        last = batches.pop()
        batches[-1] += last
    return batches


def steps_of(batches: Sequence[tuple[int, ...]], accumulate: int) -> list[list[tuple[int, ...]]]:
    """Batches by optimiser step; the last step of an epoch may have fewer."""
    starts = range(0, len(batches), accumulate)
    return [list(batches[start : start + accumulate]) for start in starts]


class _BatchDataset:
    """The rows as a torch data set that gives whole batches."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, positions: list[int]) -> tuple[Batch, Tensor]:
        return self.rows.batch(positions)


def load(rows: Rows, batches: Iterable[Sequence[int]], workers: int) -> Iterator[Any]:
    """Fetch batches in order, ``(Batch, target)`` each.

    Args:
        rows: where they come from.
        batches: positions of each.
        workers: processes that fetch ahead; 0 fetches here, which is quicker for cached features
            and images in the memory map.
    """
    if workers == 0:
        return (rows.batch(positions) for positions in batches)
    listed = [list(positions) for positions in batches]
    return iter(
        DataLoader(
            _BatchDataset(rows),  # type: ignore[arg-type]
            batch_sampler=listed,
            num_workers=min(workers, len(listed)),
            collate_fn=_as_it_is,
        )
    )


def _as_it_is(fetched: object) -> object:
    return fetched
