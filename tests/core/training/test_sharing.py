"""Laws of dividing batches between processes."""

from collections.abc import Iterator, Sequence

import pytest

from mmx.interfaces import Sampler
from mmx.spec import TrainSpec
from mmx.training.sharing import Sharing, filled, share


class Lanes(Sampler):
    """Rows in their order; row r is in lane r modulo the number of lanes."""

    def __init__(self, rows: int, lanes: int) -> None:
        self.rows = rows
        self.count = lanes

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.rows))

    def __len__(self) -> int:
        return self.rows

    @property
    def lanes(self) -> int:
        return self.count

    def lanes_of(self, rows: Sequence[int]) -> Sequence[int]:
        return [row % self.count for row in rows]


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_the_shares_of_all_processes_make_the_batch(processes: int) -> None:
    batch = tuple(range(10, 21))
    shares = [share(batch, process, processes) for process in range(processes)]
    assert tuple(row for part in shares for row in part.own) == batch
    sizes = [len(part.own) for part in shares]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("rows", [40, 64, 65, 79, 80])
def test_with_lanes_batches_do_not_depend_on_the_number_of_processes(rows: int) -> None:
    sampler, train = Lanes(rows, 8), TrainSpec(batch_size=32, accumulate=2)
    seen = set()
    for processes in (1, 2, 4, 8):
        sharings = [Sharing(sampler, process, processes) for process in range(processes)]
        steps = sharings[0].steps(list(sampler), train)
        batches = [batch for step in steps for batch in step]
        shared = [[one.share(batch) for one in sharings] for batch in batches]
        for shares in shared:
            assert tuple(row for part in shares for row in part.own) == shares[0].positions
            for process, part in enumerate(shares):
                assert {row % 8 * processes // 8 for row in part.own} == {process}
        seen.add(tuple(shares[0].positions for shares in shared))
    assert len(seen) == 1
    assert sorted(row for batch in seen.pop() for row in batch) == list(range(rows))


def test_no_process_is_left_without_rows() -> None:
    sampler = Lanes(100, 8)
    batch = (0, 8, 16, 24, 32, 40, 48, 7)  # but one row, all in the first lane
    shares = [Sharing(sampler, process, 4).share(batch) for process in range(4)]
    assert [len(part.own) for part in shares] == [2, 2, 2, 2]
    assert tuple(row for part in shares for row in part.own) == shares[0].positions
    assert [len(Sharing(sampler, p, 8).share(batch).own) for p in range(8)] == [1] * 8


@pytest.mark.parametrize(
    ("ends", "least", "wanted"),
    [
        ([5, 10], 2, [5, 10]),
        ([0, 10], 2, [2, 10]),
        ([10, 10], 2, [8, 10]),
        ([0, 0, 9], 3, [3, 6, 9]),
        ([4, 4, 4, 9], 1, [4, 5, 6, 9]),
        ([9, 9, 9], 1, [7, 8, 9]),
    ],
)
def test_ends_move_as_little_as_needed(ends: list[int], least: int, wanted: list[int]) -> None:
    assert filled(ends, least) == wanted
